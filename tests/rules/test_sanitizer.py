"""What comes out of hostile HTML; the cases follow the families of the OWASP cheat sheet, each written for this."""

import re

import pytest

from mail_crm_link.rules import sanitizer
from mail_crm_link.rules.sanitizer import sanitize

ATTRIBUTE = r'[\w-]+="[^"]*"'
LINK = 'target="_blank" rel="noopener noreferrer"'

ACTIVE = [
    ("<script>alert(1)</script>hi", "hi"),
    ("<ScRiPt src=//evil.example></sCrIpT>x", "x"),
    ("<scr<script>ipt>alert(1)</scr</script>ipt>", "ipt&gt;alert(1)ipt&gt;"),
    ("<img src=x onerror=alert(1)>", "<img>"),
    ("<body onload=alert(1)>x</body>", "x"),
    ("<details open ontoggle=alert(1)><summary>s</summary>x</details>", "<details><summary>s</summary>x</details>"),
    ("<marquee onstart=alert(1)>x</marquee>", "x"),
    ("<b onmouseover=alert(1) accesskey=x tabindex=1 contenteditable>x</b>", "<b>x</b>"),
    ("<svg onload=alert(1)><script>alert(1)</script><text>x</text></svg>after", "after"),
    ("<svg><style><img src=x onerror=alert(1)></style></svg>after", "<img>after"),
    ("<math href='javascript:alert(1)'>x</math>after", "after"),
    (
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'></math>",
        "",
    ),
    ("<template><img src=x onerror=alert(1)></template>x", "x"),
    ("<noscript><p title='</noscript><img src=x onerror=alert(1)>'>x", "<img>'&gt;x"),
    ("<textarea></textarea><img src=x onerror=alert(1)></textarea>", "<img>"),
    ("<title><img src=x onerror=alert(1)></title>x", "x"),
    ("<xmp><img src=x onerror=alert(1)></xmp>x", "&lt;img src=x onerror=alert(1)&gt;x"),
    ("<plaintext><img src=x onerror=alert(1)>", "&lt;img src=x onerror=alert(1)&gt;"),
    (
        "<p title='\"><img src=x onerror=alert(1)>'>x</p>",
        '<p title="&quot;&gt;&lt;img src=x onerror=alert(1)&gt;">x</p>',
    ),
    ("<!--[if mso]><script>alert(1)</script><![endif]-->x", "x"),
    ("<!-- --!><script>alert(1)</script> -->x", " --&gt;x"),
    ("<![CDATA[<img src=x onerror=alert(1)>]]>x", "]]&gt;x"),
    ("<?php echo 1 ?>x", "x"),
    ("<iframe src=https://evil.example></iframe>x", "x"),
    ("<frameset><frame src='javascript:alert(1)'></frameset>x", "x"),
    ("<object data=x.swf></object><embed src=x><applet code=x></applet>x", "x"),
    ("<video src=x><source onerror=alert(1)></video><audio src=x></audio>x", "x"),
    ("<meta http-equiv=refresh content='0;url=https://evil.example'>x", "x"),
    ("<link rel=stylesheet href=https://evil.example/a.css>x", "x"),
    ("<base href=https://evil.example/><a href=a>x</a>", f"<a {LINK}>x</a>"),
    ("<form action=https://evil.example><input name=password><select><option>o</option></select>x</form>", "x"),
    ("<button formaction='javascript:alert(1)'>x</button>", "x"),
    ("<input type=image src=x onerror=alert(1)>x", "x"),
    ("<dialog open>x</dialog><slot name=x>y</slot>", "xy"),
]

ADDRESSES = [
    ("<a href='javascript:alert(1)'>x</a>", f"<a {LINK}>x</a>"),
    ("<a href='JaVaScRiPt:alert(1)'>x</a>", f"<a {LINK}>x</a>"),
    ("<a href='&#106;&#97;vascript:alert(1)'>x</a>", f"<a {LINK}>x</a>"),
    ("<a href='jav&#x09;ascript:alert(1)'>x</a>", f"<a {LINK}>x</a>"),
    ("<a href='java\nscript:alert(1)'>x</a>", f"<a {LINK}>x</a>"),
    ("<a href=' &#14; javascript:alert(1)'>x</a>", f"<a {LINK}>x</a>"),
    ("<a href='vbscript:msgbox(1)'>x</a>", f"<a {LINK}>x</a>"),
    ("<a href='file:///etc/passwd'>x</a>", f"<a {LINK}>x</a>"),
    ("<a href='blob:https://x/1'>x</a>", f"<a {LINK}>x</a>"),
    ("<a href='//evil.example/'>x</a>", f"<a {LINK}>x</a>"),
    ("<a href='/web/session/logout'>x</a>", f"<a {LINK}>x</a>"),
    ("<a href='#top'>x</a>", f"<a {LINK}>x</a>"),
    (
        "<a href='https://e.example/?a=1&b' target=_self rel=opener ping=x>x</a>",
        f'<a href="https://e.example/?a=1&amp;b" {LINK}>x</a>',
    ),
    ("<a href='mailto:a@b.c?subject=x'>x</a>", f'<a href="mailto:a@b.c?subject=x" {LINK}>x</a>'),
    ("<a href='tel:+4912'>x</a>", f'<a href="tel:+4912" {LINK}>x</a>'),
    ("<img src='javascript:alert(1)'>", "<img>"),
    ("<img src=`javascript:alert(1)`>", "<img>"),
    ("<img src='/web/image/1'>", "<img>"),
    ("<img src='cid:logo@example'>", '<img src="cid:logo@example">'),
    ("<img src='data:image/png;base64,AAAA'>", '<img src="data:image/png;base64,AAAA">'),
    ("<img src='data:image/svg+xml;base64,AAAA'>", "<img>"),
    ("<img src='data:text/html,x'>", "<img>"),
    (
        "<img src=https://e.example/a srcset='https://t.example/b 2x' lowsrc=x dynsrc=x longdesc=x usemap=#m>",
        '<img src="https://e.example/a">',
    ),
    (
        "<table background=https://t.example/x><tr><td background=y>x</table>",
        "<table><tbody><tr><td>x</td></tr></tbody></table>",
    ),
    ("<blockquote cite='javascript:alert(1)'>x</blockquote>", "<blockquote>x</blockquote>"),
]

STYLES = [
    ("color:red", "color:red"),
    ("margin:0;padding:0 5px", "margin:0;padding:0 5px"),
    ("background:#fff", "background:#fff"),
    ("position:fixed;top:0;left:0;z-index:9999;color:red", "color:red"),
    ("position:absolute", ""),
    ("transform:translate(-50px);color:red", "color:red"),
    ("margin-top:-500px;color:red", "color:red"),
    ("margin:0 -5px;color:red", "color:red"),
    ("margin-left:calc(0px - 500px);color:red", "color:red"),
    ("text-indent:-18.0pt", "text-indent:-18.0pt"),
    ("text-indent:-9999px;color:red", "color:red"),
    ("text-indent:-99em;color:red", "color:red"),
    ("background:url(https://t.example/x);color:red", "color:red"),
    ("background:URL( 'https://t.example/x' );color:red", "color:red"),
    ("background:\\75rl(https://t.example/x);color:red", "color:red"),
    ("background:&#117;rl(https://t.example/x);color:red", "color:red"),
    ("background:image-set('https://t.example/x' 1x);color:red", "color:red"),
    ("background:-webkit-image-set(url(x) 1x);color:red", "color:red"),
    ("background-image:url(x);list-style:url(x);cursor:url(x),auto;content:url(x);color:red", "color:red"),
    ("width:expression(alert(1));color:red", "color:red"),
    ("width:\\65xpression(alert(1));color:red", "color:red"),
    ("behavior:url(x.htc);-moz-binding:url(x);color:red", "color:red"),
    ("color:red;animation:x 1s;filter:blur(5px);mask:url(x);clip-path:url(#x)", "color:red"),
    ("--x:url(x);color:red", "color:red"),
    ("@import url(x);color:red", "color:red"),
]

CLOBBERING = [
    ("<div id=oe_main name=csrf_token class='modal o_dialog'>x</div>", "<div>x</div>"),
    ("<img name=getElementById id=cookie src=cid:a>", '<img src="cid:a">'),
    ("<a name=x id=y>x</a>", f"<a {LINK}>x</a>"),
    ("<b data-oe-model=res.users data-oe-id=1 t-out=1 role=dialog aria-label=x>x</b>", "<b>x</b>"),
]

KEPT = [
    ("<p>x<br>y</p>", "<p>x<br>y</p>"),
    ("<font color=red size=2 face=Arial>x</font>", '<font color="red" size="2" face="Arial">x</font>'),
    ("<center><b>x</b></center>", "<center><b>x</b></center>"),
    ("<ul><li>x</ul>", "<ul><li>x</li></ul>"),
    (
        "<table width=600 cellpadding=0 bgcolor=#eee><tr><td align=center valign=top colspan=2 width=50%>x</table>",
        '<table width="600" cellpadding="0" bgcolor="#eee"><tbody><tr>'
        '<td align="center" valign="top" colspan="2" width="50%">x</td></tr></tbody></table>',
    ),
    (
        "<img src=https://e.example/a.png width=1 height=1 alt=x>",
        '<img src="https://e.example/a.png" width="1" height="1" alt="x">',
    ),
    ("<bdo dir=rtl>x</bdo>", '<bdo dir="rtl">x</bdo>'),
    ("<o:p>x</o:p>", "x"),
    ("a &lt;b&gt; &amp;", "a &lt;b&gt; &amp;"),
    ("", ""),
]


def _attributes_sorted(html: str) -> str:
    """Attributes are a set and come in any order."""

    def in_order(tag: re.Match[str]) -> str:
        return f"<{tag[1]} {' '.join(sorted(re.findall(ATTRIBUTE, tag[2])))}>"

    return re.sub(rf"<(\w+)((?: {ATTRIBUTE})+)>", in_order, html)


@pytest.mark.parametrize(("html", "expected"), [*ACTIVE, *ADDRESSES, *CLOBBERING, *KEPT])
def test_sanitize(html: str, expected: str) -> None:
    assert _attributes_sorted(sanitize(html)) == _attributes_sorted(expected)


@pytest.mark.parametrize(("style", "expected"), STYLES)
def test_styles(style: str, expected: str) -> None:
    found = re.search(r'style="([^"]*)"', sanitize(f'<div style="{style}">x</div>'))
    assert (found[1] if found else "") == expected


@pytest.mark.parametrize("html", [html for html, _expected in (*ACTIVE, *ADDRESSES, *CLOBBERING, *KEPT)])
def test_a_second_pass_changes_nothing(html: str) -> None:
    once = sanitize(html)
    assert sanitize(once) == once


@pytest.mark.parametrize(("style", "expected"), STYLES)
def test_both_passes_agree(style: str, expected: str) -> None:
    """Negative control of the fast pass: what it lets through unjudged, the strict one would, too."""
    html = f'<div style="{style}">x</div>'
    if not sanitizer._is_suspicious(sanitizer._CLEANER.clean(html)):
        assert sanitizer._STRICT_CLEANER.clean(html) == sanitize(html)


def test_without_the_strict_pass_images_of_styles_would_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sanitizer, "_is_suspicious", lambda cleaned: False)
    assert "url(" in sanitize('<p style="background:url(https://t.example/x)">x</p>')


@pytest.mark.parametrize("tag", ["div", "span", "blockquote", "font", "b"])
def test_nesting_without_end_becomes_text(tag: str) -> None:
    assert "deep" in sanitize(f"<{tag}>" * 20_000 + "deep")
    assert "deep" in sanitize(f"<{tag}>" * 20_000 + "deep" + f"</{tag}>" * 20_000)

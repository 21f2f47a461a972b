import pytest

from mail_crm_link.rules.remote_images import block_remote_images
from mail_crm_link.rules.sanitizer import sanitize


@pytest.mark.parametrize(
    "html",
    [
        '<img src="http://x.example/p.gif">',
        '<IMG alt="a > b" SRC=https://x.example/p.gif>',
        "<img alt='\"' title='src=\"' width=1 src='https://x.example/p.gif'>",
        '<p><img src="HTTPS://x.example/a.png"><img src="https://x.example/b.png"></p>',
    ],
)
def test_no_remote_image_keeps_an_address_that_loads(html):
    blocked = block_remote_images(sanitize(html))
    assert ' src="http' not in blocked.lower()
    assert "data-crm-src=" in blocked


@pytest.mark.parametrize(
    "html",
    [
        '<img src="/mail_crm_link/attachment/7/2" alt="">',
        '<img src="data:image/png;base64,AAAA">',
        '<a href="https://x.example/">src="https://x.example"</a>',
    ],
)
def test_everything_else_stays_as_it_is(html):
    assert block_remote_images(html) == html

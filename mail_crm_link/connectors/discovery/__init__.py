"""Which servers an address belongs to, found within seconds, without a password.

::

    address ──► known domain ─────────────────────────────────────────────► found
       │
       ├──► MX record of a known provider ┐
       ├──► SRV records                   │   all at once; the first of this
       ├──► autoconfig of the domain      ├─► order that finds something  ──► found
       ├──► Thunderbird's provider list   │   counts
       ├──► Exchange autodiscover         │
       └──► usual names, tried out        ┘

============  =========================================================================
search        the order above, and the time that it may take
providers     the table of known providers
domain_names  MX and SRV records (dnspython, where it is installed)
autoconfig    Thunderbird's configuration files
autodiscover  Exchange's
guesses       imap.DOMAIN and the like, as far as they answer with a valid certificate
web           bounded downloads
servers       what is found
============  =========================================================================

Nothing here sees a password. Addresses are typed by people, so every connection goes through ``network.Network``.
"""

from typing import TYPE_CHECKING

from ...on_demand import on_demand

if TYPE_CHECKING:
    from .domain_names import DomainNames
    from .providers import known_provider, provider_of_host
    from .search import Discovery
    from .servers import Found, KnownProvider, Server

__all__ = ["Discovery", "DomainNames", "Found", "KnownProvider", "Server", "known_provider", "provider_of_host"]

__getattr__ = on_demand(
    __name__,
    {
        "DomainNames": "domain_names",
        "known_provider": "providers",
        "provider_of_host": "providers",
        "Discovery": "search",
        "Found": "servers",
        "KnownProvider": "servers",
        "Server": "servers",
    },
)

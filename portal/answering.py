"""For how many subscriptions a partner answers, and who does where it no longer may (C9), in words."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.authority import Organisation
from portal.models import Partner


@dataclass(frozen=True)
class Answering:
    """The subscriptions of one contact, by what becomes of each when its right ends (C9).

    ``to_sellers`` has the key and name of each other partner that sold some, and how many. ``kept`` are
    those that the contact sold itself, ``elsewhere`` those bought elsewhere: nobody answers for them then.
    """

    customers: int = 0
    to_sellers: tuple[tuple[uuid.UUID, str, int], ...] = ()
    kept: int = 0
    elsewhere: int = 0

    @classmethod
    def of(
        cls,
        contact: uuid.UUID,
        sellers: Iterable[tuple[uuid.UUID | None, str, int]],
        customers: int,
    ) -> Self:
        """Sort ``sellers``, rows of key, name and number, by what they are to ``contact``, a key."""
        kept = elsewhere = 0
        others = []
        for key, name, count in sellers:
            if key is None:
                elsewhere += count
            elif key == contact:
                kept += count
            else:
                others.append((key, name, count))
        return cls(customers, tuple(others), kept, elsewhere)

    @property
    def count(self) -> int:
        """For how many the contact answers."""
        return sum(count for *_seller, count in self.to_sellers) + self.kept + self.elsewhere

    def in_words(
        self,
        contact: Partner,
        reader: Organisation | None = None,
        *,
        is_named: bool = False,
        of_customers: bool = True,
    ) -> str:
        """Say it to ``reader``, an organisation, or to an operator.

        ``is_named``: with the contact's name, where it is not plain whom the page is about.
        """
        if not self.count:
            return _("No support contact changes.")
        names = {"partner": contact, "what": self._what(reader, of_customers)}
        parts = self._parts(contact, reader)
        if len(parts) == 1:
            [(count, which, _where, more)] = parts
            names["which"] = which % {"count": localize(count), **more}
            if reader == contact:
                return _("Your company answers for %(what)s, %(which)s.") % names
            if is_named:
                return _("%(partner)s answers for %(what)s, %(which)s.") % names
            return _("It answers for %(what)s, %(which)s.") % names
        names["where"] = ", ".join(
            where % {"count": localize(count), **more} for count, _, where, more in parts
        )
        if reader == contact:
            return _("Your company answers for %(what)s: %(where)s.") % names
        if is_named:
            return _("%(partner)s answers for %(what)s: %(where)s.") % names
        return _("It answers for %(what)s: %(where)s.") % names

    def _what(self, reader: Organisation | None, of_customers: bool) -> str:
        count = self.count
        if reader is not None and not isinstance(reader, Partner):
            what = ngettext("%(count)s of your products", "%(count)s of your products", count)
            return what % {"count": localize(count)}
        what = ngettext("%(count)s subscription", "%(count)s subscriptions", count)
        what %= {"count": localize(count)}
        if not of_customers:
            return what
        whose = ngettext("of %(count)s customer", "of %(count)s customers", self.customers)
        return f"{what} {whose % {'count': localize(self.customers)}}"

    def _parts(
        self, contact: Partner, reader: Organisation | None
    ) -> list[tuple[int, str, str, dict[str, str]]]:
        """How many go where: the number, the words where all do, those where some do, and names."""
        parts = []
        for key, seller, count in self.to_sellers:
            if reader is not None and key == reader.pk:
                which = ngettext("which goes to you", "which go to you", count)
                where = ngettext("%(count)s goes to you", "%(count)s go to you", count)
            else:
                which = ngettext("which goes to %(seller)s", "which go to %(seller)s", count)
                where = ngettext(
                    "%(count)s goes to %(seller)s", "%(count)s go to %(seller)s", count
                )
            parts.append((count, which, where, {"seller": seller}))
        if self.elsewhere:
            which = ngettext(
                "for which no partner is designated then",
                "for which no partner is designated then",
                self.elsewhere,
            )
            where = ngettext(
                "for %(count)s no partner is designated then",
                "for %(count)s no partner is designated then",
                self.elsewhere,
            )
            parts.append((self.elsewhere, which, where, {}))
        if self.kept:
            if reader == contact:
                which = ngettext(
                    "which you keep as its seller", "which you keep as their seller", self.kept
                )
                where = ngettext(
                    "%(count)s you keep as its seller",
                    "%(count)s you keep as their seller",
                    self.kept,
                )
            else:
                which = ngettext(
                    "which it keeps as its seller", "which it keeps as their seller", self.kept
                )
                where = ngettext(
                    "%(count)s it keeps as its seller",
                    "%(count)s it keeps as their seller",
                    self.kept,
                )
            parts.append((self.kept, which, where, {}))
        return parts

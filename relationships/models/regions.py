from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _
from django_countries import countries
from django_countries.fields import Country, CountryField

from customers.models import Customer
from portal.authority import Principal, require
from portal.models import Action, ActivityEntry, Partner

# Where the vendor lets partners sell across borders, unless the operator says otherwise: the countries of
# the region Europe in Microsoft's own list of 2021. French overseas territories, Israel, Turkey, the western
# Balkans, Ukraine, Moldova and Georgia lie in other regions there.
EUROPE = (
    "AD AT AX BE BG BV CH CY CZ DE DK EE ES FI FO FR GB GG GI GL GR HR HU IE IM IS IT JE LI LT LU LV MC MT"
    " NL NO PL PT RO SE SI SJ SK SM VA"
)


class SalesRegionQuerySet(models.QuerySet["SalesRegion"]):
    def have_in_common(self, *countries: Country | str) -> bool:
        """Whether business between these countries stays within one sales region (R11)."""
        codes = {str(country) for country in countries}
        if len(codes) == 1:
            return True
        listed = RegionCountry.objects.filter(country__in=codes).values_list("region", flat=True)
        return len(listed) == len(codes) and len(set(listed)) == 1

    def require_common(self, one: Partner | Customer, other: Partner | Customer) -> None:
        """Raise ``ValidationError`` unless two firms are in the same sales region (R11)."""
        if not self.have_in_common(one.country, other.country):
            raise ValidationError(
                _(
                    "%(one)s (%(one_country)s) and %(other)s (%(other_country)s) are not in the same"
                    " sales region."
                ),
                code="R11",
                params={
                    "one": one,
                    "one_country": countries.name(str(one.country)),
                    "other": other,
                    "other_country": countries.name(str(other.country)),
                },
            )

    @contextmanager
    def edited(self, *, by: Principal) -> Iterator[None]:
        """Let ``by``, an operator, edit the table of regions and countries, and log what became of each.

        One transaction around all. Raises ``NotAllowed`` unless ``by`` is an operator.
        """
        require(by)
        with transaction.atomic():
            before = self._table()
            yield
            after = self._table()
            for key in sorted(before.keys() | after.keys()):
                if before.get(key) != after.get(key):
                    self._record(key, before.get(key, {}), after.get(key, {}), by=by)

    def _table(self) -> dict[int, dict[str, Any]]:
        """What stands in the table, which is short, by the key of the region; no one else edits it now."""
        regions = list(self.order_by("pk").select_for_update(no_key=True))
        countries = RegionCountry.objects.order_by("country").values_list("region", "country")
        return {
            region.pk: {
                "name": region.name,
                "countries": [country for key, country in countries if key == region.pk],
            }
            for region in regions
        }

    def _record(
        self, key: int, before: dict[str, Any], after: dict[str, Any], *, by: Principal
    ) -> None:
        action = Action.REGION_CHANGED
        if not before:
            action = Action.REGION_ADDED
        elif not after:
            action = Action.REGION_REMOVED
        changed = [name for name in before | after if before.get(name) != after.get(name)]
        ActivityEntry.objects.record(
            action,
            by=by,
            partners=[],
            subject=self.model(pk=key, name=(after or before)["name"]),
            before={name: before[name] for name in changed if name in before},
            after={name: after[name] for name in changed if name in after},
        )

    def delete(self) -> tuple[int, dict[str, int]]:
        """Remove these regions, none of which may be in use; raises like ``require_unused``."""
        for region in self:
            region.require_unused()
        return super().delete()

    # As Django marks its own: never called by a template, nor offered by the manager.
    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def create_default(self) -> None:
        """Make the region Europe, on an installation that has no region yet (R11)."""
        if not self.exists():
            region = self.create(name="Europe")
            RegionCountry.objects.bulk_create(
                RegionCountry(region=region, country=country) for country in EUROPE.split()
            )


class SalesRegion(models.Model):
    """Countries whose firms may do business with each other (R11).

    A country that is in no region is a region of its own.
    """

    name = models.CharField(_("name"), max_length=100, unique=True)

    objects = SalesRegionQuerySet.as_manager()

    class Meta:
        verbose_name = _("sales region")
        verbose_name_plural = _("sales regions")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def require_unused(self) -> None:
        """Raise ``ValidationError`` with code ``in_use`` where firms are in a country of this region (R11).

        Without the region each country would be one of its own, and their business with each other at an
        end.
        """
        own = self.countries.values("country")
        for kind in (Partner, Customer):
            firm = kind.objects.filter(country__in=own).order_by("name_key").first()
            if firm is not None:
                raise ValidationError(
                    _(
                        "%(region)s is in use: %(firm)s is in %(country)s. Move the countries of its firms"
                        " to another region first."
                    ),
                    code="in_use",
                    params={
                        "region": self,
                        "firm": firm,
                        "country": countries.name(str(firm.country)),
                    },
                )

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Remove the region with its countries; raises like ``require_unused``."""
        self.require_unused()
        return super().delete(*args, **kwargs)


class RegionCountry(models.Model):
    """A country's place in its one sales region."""

    region = models.ForeignKey(
        SalesRegion, models.CASCADE, related_name="countries", verbose_name=_("sales region")
    )
    country = CountryField(
        _("country"),
        unique=True,
        error_messages={"unique": _("This country is in a sales region already.")},
    )

    class Meta:
        verbose_name = _("country of a sales region")
        verbose_name_plural = _("countries of a sales region")
        ordering = ["country"]

    def __str__(self) -> str:
        return countries.name(str(self.country))

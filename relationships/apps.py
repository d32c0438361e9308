from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


def create_default_region(sender: Any, using: str, apps: Any = None, **kwargs: Any) -> None:
    # Another app may have been migrated alone, or this one back; flush gives no apps.
    if apps is None or "salesregion" in apps.all_models["relationships"]:
        sender.get_model("SalesRegion").objects.using(using).create_default()


class RelationshipsConfig(AppConfig):
    name = "relationships"
    verbose_name = _("Relationships")

    def ready(self) -> None:
        post_migrate.connect(create_default_region, sender=self)

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import portal.models.actions
from portal.append_only import AppendOnly, Writable

# What is known today of each person who acted before: it need not have held then.
ADD_ACTORS = """
    INSERT INTO portal_actor
        (user_id, number, name, email, partner_id, customer_id, organisation, is_operator, at, as_of_update)
    SELECT person.id, 1, person.name, person.email, place.partner_id, place.customer_id,
        COALESCE(partner.name, customer.name, ''), person.is_staff, CURRENT_TIMESTAMP, TRUE
    FROM portal_user person
    LEFT JOIN portal_membership place ON place.user_id = person.id
    LEFT JOIN portal_partner partner ON partner.id = place.partner_id
    LEFT JOIN customers_customer customer ON customer.id = place.customer_id
    WHERE EXISTS (SELECT 1 FROM portal_activityentry entry WHERE entry.actor_id = person.id)
"""
POINT_TO_THEM = """
    UPDATE portal_activityentry SET acted_as_id =
        (SELECT id FROM portal_actor WHERE portal_actor.user_id = portal_activityentry.actor_id)
    WHERE actor_id IS NOT NULL
"""
POINT_TO_USERS = """
    UPDATE portal_activityentry SET actor_id =
        (SELECT user_id FROM portal_actor WHERE portal_actor.id = acted_as_id)
    WHERE acted_as_id IS NOT NULL
"""


def run(editor, *statements):
    for statement in statements:
        editor.execute(statement)
    if editor.connection.vendor == "postgresql":
        # Checked now: tables with checks still to come can't be altered.
        editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0002_name_of_a_customer"),
        ("portal", "0014_proved_addresses"),
    ]

    operations = [
        Writable("activityentry"),
        migrations.CreateModel(
            name="Actor",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(editable=False)),
                (
                    "name",
                    models.CharField(
                        blank=True, editable=False, max_length=200, verbose_name="name"
                    ),
                ),
                (
                    "email",
                    models.EmailField(
                        blank=True, editable=False, max_length=254, verbose_name="email"
                    ),
                ),
                (
                    "organisation",
                    models.CharField(
                        blank=True, editable=False, max_length=200, verbose_name="organisation"
                    ),
                ),
                (
                    "is_operator",
                    models.BooleanField(default=False, editable=False, verbose_name="operator"),
                ),
                (
                    "at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="since"
                    ),
                ),
                (
                    "as_of_update",
                    models.BooleanField(
                        default=False, editable=False, verbose_name="name as of the update"
                    ),
                ),
                (
                    "erased_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="erased"),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "partner",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="portal.partner",
                        verbose_name="partner",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="actors",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "person who acted",
                "verbose_name_plural": "people who acted",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(fields=["user", "number"], name="portal_actor_number"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("erased_at", None),
                            models.Q(("email", ""), ("name", "")),
                            _connector="OR",
                        ),
                        name="portal_actor_erased",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="user",
            name="actor",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="portal.actor",
            ),
        ),
        migrations.AddField(
            model_name="activityentry",
            name="acted_as",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="activity",
                to="portal.actor",
                verbose_name="changed by",
            ),
        ),
        migrations.RunPython(
            lambda apps, editor: run(editor, ADD_ACTORS, POINT_TO_THEM),
            lambda apps, editor: run(editor, POINT_TO_USERS),
        ),
        migrations.RemoveField(model_name="activityentry", name="actor"),
        migrations.RenameField("activityentry", "acted_as", "actor"),
        migrations.AlterField(
            model_name="activityentry",
            name="action",
            field=models.CharField(
                choices=portal.models.actions.action_choices,
                editable=False,
                max_length=40,
                verbose_name="action",
            ),
        ),
        AppendOnly("activityentry"),
        AppendOnly("actor", may_end="erased_at", with_end=("name", "email")),
    ]

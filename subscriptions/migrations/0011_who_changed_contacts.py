import django.db.models.deletion
from django.db import migrations, models

from portal.append_only import AppendOnly, Writable

# Who has changed a contact stands in the activity log; this is for a history that it doesn't tell.
ADD_ACTORS = """
    INSERT INTO portal_actor
        (user_id, number, name, email, partner_id, customer_id, organisation, is_operator, at, as_of_update)
    SELECT person.id, 1, person.name, person.email, place.partner_id, place.customer_id,
        COALESCE(partner.name, customer.name, ''), person.is_staff, CURRENT_TIMESTAMP, TRUE
    FROM portal_user person
    LEFT JOIN portal_membership place ON place.user_id = person.id
    LEFT JOIN portal_partner partner ON partner.id = place.partner_id
    LEFT JOIN customers_customer customer ON customer.id = place.customer_id
    WHERE NOT EXISTS (SELECT 1 FROM portal_actor WHERE portal_actor.user_id = person.id) AND EXISTS (
        SELECT 1 FROM subscriptions_supportcontactassignment stretch
        WHERE stretch.changed_by_id = person.id
    )
"""
POINT_TO_THEM = """
    UPDATE subscriptions_supportcontactassignment SET acted_as_id =
        (SELECT MIN(id) FROM portal_actor WHERE portal_actor.user_id = changed_by_id)
    WHERE changed_by_id IS NOT NULL
"""
POINT_TO_USERS = """
    UPDATE subscriptions_supportcontactassignment SET changed_by_id =
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
        ("portal", "0015_who_acted"),
        ("subscriptions", "0010_guard_every_key"),
    ]

    operations = [
        Writable("supportcontactassignment"),
        migrations.AddField(
            model_name="supportcontactassignment",
            name="acted_as",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="portal.actor",
                verbose_name="changed by",
            ),
        ),
        migrations.RunPython(
            lambda apps, editor: run(editor, ADD_ACTORS, POINT_TO_THEM),
            lambda apps, editor: run(editor, POINT_TO_USERS),
        ),
        migrations.RemoveField(model_name="supportcontactassignment", name="changed_by"),
        migrations.RenameField("supportcontactassignment", "acted_as", "changed_by"),
        AppendOnly("supportcontactassignment", may_end="ended_at"),
    ]

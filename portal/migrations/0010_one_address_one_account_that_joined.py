from django.db import migrations, models


def leave_addresses_of_invitations_to_their_owners(apps, schema_editor):
    """Who was invited and has not been here yet has not joined."""
    apps.get_model("portal", "User").objects.filter(
        invited_at__isnull=False,
        last_login=None,
        password__startswith="!",  # noqa: S106  (marks that there is none)
    ).update(has_joined=False)


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0009_guard_every_key"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="has_joined",
            field=models.BooleanField(
                default=True,
                editable=False,
                help_text="An invited user joins by its invitation; until then the email is nobody's.",
                verbose_name="joined",
            ),
        ),
        migrations.RunPython(
            leave_addresses_of_invitations_to_their_owners, migrations.RunPython.noop
        ),
        migrations.AlterField(
            model_name="user",
            name="email",
            field=models.EmailField(max_length=254, verbose_name="email"),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(fields=["email"], name="portal_user_email"),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                condition=models.Q(("has_joined", True)),
                fields=("email",),
                name="portal_user_email_once",
                violation_error_code="unique",
                violation_error_message="A user with this email exists.",
            ),
        ),
    ]

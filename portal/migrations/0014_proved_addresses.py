import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# An invitation that was accepted is the one entry of the log that says for certain that its reader had
# the mail: a new password stands there alike, whether a link brought it or its owner changed it.
KNOWN_FROM_THE_LOG = """
    INSERT INTO portal_provedaddress (user_id, email, how, at)
    SELECT member.id, member.email, 'invitation', MAX(entry.at)
    FROM portal_activityentry entry
    INNER JOIN portal_user member ON member.id = entry.subject_id
    WHERE entry.action = 'user.joined' AND member.has_joined
    GROUP BY member.id, member.email
"""


def count_as_proved(apps, schema_editor):
    """Whoever accepted an invitation has proved its address, unless an operator changed the email (R14)."""
    schema_editor.execute(KNOWN_FROM_THE_LOG)
    entries = apps.get_model("portal", "ActivityEntry").objects
    changed = entries.filter(action="user.changed", before__has_key="email")
    proved = apps.get_model("portal", "ProvedAddress").objects
    for user in set(changed.values_list("subject_id", flat=True)):
        proved.filter(user=user).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0013_actions_of_firms"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="confirmation_asked_for",
            field=models.EmailField(blank=True, editable=False, max_length=254),
        ),
        migrations.AlterField(
            model_name="activityentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("customer.added", "Customer added"),
                    ("customer.changed", "Customer details changed"),
                    ("customer.taken_over", "Partners kept or ended"),
                    ("customer.joined", "Customer records joined"),
                    ("customer.domain_proved", "Domain proved"),
                    ("customer.domain_freed", "Domain freed"),
                    ("shared_domain.set", "Shared domain set"),
                    ("partner.added", "Partner added"),
                    ("partner.changed", "Partner details changed"),
                    ("partner.deactivated", "Partner deactivated"),
                    ("partner.reactivated", "Partner reactivated"),
                    ("user.added", "User added"),
                    ("user.invited", "Invitation sent"),
                    ("user.joined", "Invitation accepted"),
                    ("user.changed", "User changed"),
                    ("user.roles_changed", "User roles changed"),
                    ("user.deactivated", "User deactivated"),
                    ("user.reactivated", "User reactivated"),
                    ("user.password_changed", "Password changed"),
                    ("user.address_proved", "Email address confirmed"),
                    ("user.second_factor_added", "Second factor added"),
                    ("user.second_factor_removed", "Second factor removed"),
                    ("user.recovery_codes_made", "Recovery codes made"),
                    ("user.identity_linked", "Identity linked"),
                    ("user.identity_unlinked", "Identity unlinked"),
                    ("user.sessions_ended", "Signed out on other devices"),
                    ("partnership.started", "Partnership started"),
                    ("partnership.ended", "Partnership ended"),
                    ("relationship.started", "Relationship started"),
                    ("relationship.ended", "Relationship removed"),
                    ("relationship.dap_granted", "Delegated admin privileges granted"),
                    ("relationship.dap_removed", "Delegated admin privileges removed"),
                    ("request.created", "Relationship requested"),
                    ("request.resent", "Request sent again"),
                    ("request.withdrawn", "Request withdrawn"),
                    ("request.accepted", "Request accepted"),
                    ("request.declined", "Request declined"),
                    ("customer.agreement_accepted", "Customer agreement accepted"),
                    ("subscription.added", "Subscription added"),
                    ("subscription.changed", "Subscription changed"),
                    ("subscription.suspended", "Subscription suspended"),
                    ("subscription.reactivated", "Subscription reactivated"),
                    ("support_contact.designated", "Support contact designated"),
                    ("support_contact.fell_back", "Support contact fell back"),
                ],
                editable=False,
                max_length=40,
                verbose_name="action",
            ),
        ),
        migrations.CreateModel(
            name="ProvedAddress",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254, verbose_name="email")),
                (
                    "how",
                    models.CharField(
                        choices=[
                            ("invitation", "an invitation, accepted by the link in its mail"),
                            ("reset", "a new password, set by the link in a mail"),
                            ("confirmation", "the link in a confirmation mail"),
                            (
                                "provider",
                                "an identity provider that the operator trusts for its domain",
                            ),
                            ("demo", "demo or sample data"),
                        ],
                        max_length=20,
                        verbose_name="proved by",
                    ),
                ),
                (
                    "at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="proved at"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proved_addresses",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "proved address",
                "verbose_name_plural": "proved addresses",
                "ordering": ["-at", "-id"],
                "indexes": [models.Index(fields=["email", "at"], name="portal_proof_of_email")],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "email"), name="portal_proof_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("how__in", ["invitation", "reset", "confirmation", "provider", "demo"])
                        ),
                        name="portal_proof_method",
                    ),
                ],
            },
        ),
        migrations.RunPython(count_as_proved, migrations.RunPython.noop),
    ]

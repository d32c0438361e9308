import getpass

from django.contrib.auth.management.commands import changepassword
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from portal.authority import PORTAL
from portal.models import User

ATTEMPTS = 3


class Command(changepassword.Command):
    """Django's command, but for a log entry of what it did."""

    def handle(self, *args, **options):
        email = options["username"] or getpass.getuser()
        try:
            user = User.objects.get_by_natural_key(email)
        except User.DoesNotExist as error:
            raise CommandError(f"There is no user with the email {email}.") from error
        self.stdout.write(f"A new password for {user}:")
        for _attempt in range(ATTEMPTS):
            password = self._get_pass()  # type: ignore[attr-defined]
            again = self._get_pass("Password (again): ")  # type: ignore[attr-defined]
            if password != again:
                self.stderr.write("These are two different passwords. Try again.")
                continue
            try:
                validate_password(password, user)
            except ValidationError as error:
                self.stderr.write("\n".join(error.messages))
                continue
            user.give_password(password, by=PORTAL, reason="manage.py changepassword")
            return f"The password of {user} was set."
        raise CommandError(f"The password of {user} stays as it was.")

from django.core.management.base import BaseCommand, CommandError

from portal.worker import due


class Command(BaseCommand):
    help = (
        "Says how the portal runs: the worker, and what waits for it. The status is 1 if someone must "
        "see to something."
    )

    def handle(self, *args, **options):
        findings = due.findings()
        for finding in findings:
            self.stdout.write(f"{'ALARM' if finding.is_alarm else 'ok':5} {finding.sentence}")
        alarms = sum(finding.is_alarm for finding in findings)
        if alarms:
            raise CommandError(f"{alarms} of {len(findings)} need someone's attention.")

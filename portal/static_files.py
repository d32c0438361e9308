from django.contrib.staticfiles.finders import AppDirectoriesFinder


class AppFinder(AppDirectoriesFinder):
    """The static files of apps, to be collected without the flags of all countries, which no page shows."""

    def list(self, ignore_patterns):
        return super().list([*(ignore_patterns or ()), "flags"])

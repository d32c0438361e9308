"""The WSGI application, for gunicorn: ``gunicorn portal.wsgi``."""

import gc
import os

# What is loaded here stays until the process ends, so nobody searches it for garbage: not while it is
# loaded, and not later in gunicorn's workers, where the search would copy the memory that they share.
gc.disable()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import reverse  # noqa: E402

from portal.bodies import MeasuredBodies  # noqa: E402

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

application = MeasuredBodies(get_wsgi_application())
reverse("home")  # reads all paths and views, which the first request would do in each worker
gc.freeze()
gc.enable()

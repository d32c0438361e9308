"""What the worker does for relationships."""

from portal.models import tell_undelivered
from relationships.models import RelationshipRequest

tell_undelivered(RelationshipRequest, RelationshipRequest.objects.note_undelivered)

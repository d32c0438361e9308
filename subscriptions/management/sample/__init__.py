"""An installation of any size with believable firms, for measuring and for trying out."""

from .installation import FIRST_MPN_ID, Sample

__all__ = ["FIRST_MPN_ID", "Sample"]

"""German has one form of a day, as English has: the month in words. For the rest, Django's own is right."""

DATE_FORMAT = SHORT_DATE_FORMAT = "j. F Y"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "j. F Y, H:i"

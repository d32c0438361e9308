"""What the portal's pages may ask of a browser, for the header Permissions-Policy."""

# Passkeys, and copying a link.
ALLOWED = ("clipboard-write", "publickey-credentials-create", "publickey-credentials-get")
REFUSED = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "clipboard-read",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "identity-credentials-get",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "screen-wake-lock",
    "serial",
    "storage-access",
    "sync-xhr",
    "usb",
    "window-management",
    "xr-spatial-tracking",
)


def permissions_policy() -> dict[str, list[str]]:
    """The features, each with the origins that may use it: none, or the portal itself."""
    return {feature: [] for feature in REFUSED} | {feature: ["self"] for feature in ALLOWED}

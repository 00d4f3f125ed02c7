"""Tables of this room."""

from signing.archive import models as archive_models
from signing.log import models as log_models
from signing.remote_signing import models as remote_signing_models
from signing.trust import models as trust_models

__all__ = ["archive_models", "log_models", "remote_signing_models", "trust_models"]

"""The demo city: invented people with one password, test keys, and something to do in every room."""

import importlib
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from directory.models import Person
from kernel.config import Config
from kernel.db import Tx
from web import rooms
from web.services import Services

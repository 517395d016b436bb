"""The settings of this addon."""

from . import (
    res_config_settings,
)

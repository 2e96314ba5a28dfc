"""Makes the tables and some users; prints a refresh token of each as a JSON list."""

import json
import os
import sys

import django


def main(number: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    django.setup()
    from django.contrib.auth.models import User  # noqa: PLC0415 - only after setup
    from django.core.management import call_command  # noqa: PLC0415 - likewise
    from rest_framework_simplejwt.tokens import RefreshToken  # noqa: PLC0415 - likewise

    call_command("migrate", verbosity=0)
    users = [User.objects.create(username=f"user{position}") for position in range(number)]
    print(json.dumps([str(RefreshToken.for_user(user)) for user in users]))


if __name__ == "__main__":
    main(int(sys.argv[1]))

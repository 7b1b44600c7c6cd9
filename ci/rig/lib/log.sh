# Prints progress lines, each with the seconds since the command began.

say() { printf '%4ds  %s\n' "$SECONDS" "$*"; }
warn() { printf '%4ds  warning: %s\n' "$SECONDS" "$*" >&2; }
die() {
  printf '%4ds  error: %s\n' "$SECONDS" "$*" >&2
  exit 1
}

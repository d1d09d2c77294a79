"""Device ids as fleets have them."""

import random
from collections.abc import Iterable, Iterator

TYPE_CODES = 200
_FIRST_TYPE_CODE = 35_693_803


def in_a_row(devices: int) -> list[str]:
    """Return ids that are consecutive numbers."""
    first = _FIRST_TYPE_CODE * 10**7
    return [str(first + number) for number in range(devices)]


def of_type_codes(devices: int) -> Iterator[str]:
    """Yield ids of 200 type codes, their serials without gaps, each with its check digit."""
    each = -(-devices // TYPE_CODES)
    sums = bytes(_luhn(f"{serial:06}") % 10 for serial in range(each))
    for place in range(TYPE_CODES):
        code = str(_FIRST_TYPE_CODE + 1000 * place)
        code_sum = _luhn(code)
        for serial in range(min(each, devices - place * each)):
            yield f"{code}{serial:06}{-(code_sum + sums[serial]) % 10}"


def scattered(devices: int) -> Iterator[str]:
    """Yield random ids, the same ones each time; one in a hundred million may come twice."""
    number = random.Random(7)
    return (str(number.randrange(10**14, 10**15)) for _ in range(devices))


def _luhn(digits: str) -> int:
    """Return the sum that the check digit completes to a multiple of ten.

    Every second digit counts double, the last one first: type code and serial are both of even
    length, so their sums add up.
    """
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[1::2])
    return sum(map(int, digits[0::2])) + sum(doubled)


def in_batches(ids: list[str], batch: int) -> Iterator[list[str]]:
    """Cut ids for clients that do not do it themselves."""
    return (ids[place : place + batch] for place in range(0, len(ids), batch))


def check(ids: list[str], answered: Iterable[tuple[str, str]]) -> None:
    """Refuse a measurement in which not exactly these devices were added.

    So nobody wins by not working.
    """
    added = [device_id for device_id, status in answered if status == "AddDeviceSucceed"]
    if sorted(added) != ids:
        raise RuntimeError(f"{len(added)} answers of success for {len(ids)} devices")

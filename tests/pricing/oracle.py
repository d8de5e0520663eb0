"""An independent checker: the contract's sections 3 and 4 in Fractions, over catalogue data, sharing no code.

It is written to be read beside the contract, not to be fast or to show its working.
"""

from fractions import Fraction
from math import ceil, floor


def fraction(charge, key, default=None):
    value = charge.get(key)
    return default if value is None else Fraction(value)


def half_up(amount, digits):
    """Rounded half up, away from zero, to `digits` after the point."""
    shifted = abs(amount) * 10**digits + Fraction(1, 2)
    return Fraction(floor(shifted) if amount >= 0 else -floor(shifted), 10**digits)


def price(charge, quantity, events):
    """The exact price of a charge (catalogue data) for a quantity, or for the events' amounts in time order."""
    if charge["model"] == "percentage":
        amount = percentage(charge, list(events))
    else:
        billable = max(Fraction(0), quantity - fraction(charge, "included", 0))
        amount = by_quantity(charge, billable) if billable > 0 else Fraction(0)
    amount = max(amount, Fraction(0))
    highest = fraction(charge, "maximum_amount")
    return amount if highest is None else min(amount, highest)


def by_quantity(charge, q):
    model = charge["model"]
    if model == "per_unit":
        return q * fraction(charge, "unit_price")
    if model == "package":
        return ceil(q / fraction(charge, "package_size")) * fraction(charge, "package_price")
    if model == "volume":
        holder = next(
            tier for tier in charge["tiers"] if tier["up_to"] is None or q <= Fraction(tier["up_to"])
        )
        return q * fraction(holder, "unit_price", 0) + fraction(holder, "flat_price", 0)
    total, lower = Fraction(0), Fraction(0)
    for tier in charge["tiers"]:
        upper = q if tier["up_to"] is None else Fraction(tier["up_to"])
        inside = min(q, upper) - lower
        if inside > 0:
            each = (
                fraction(tier, "unit_price", 0) if model == "graduated" else fraction(tier, "rate", 0) / 100
            )
            total += inside * each + fraction(tier, "flat_price", 0)
        lower = upper
    return total


def percentage(charge, events):
    included = fraction(charge, "included", Fraction(0))
    left = []
    for amount in events:
        if included > 0 and 0 <= amount <= included:
            included -= amount
        elif included > 0 and amount > included:
            left.append(amount - included)
            included = Fraction(0)
        else:
            left.append(amount)
    free_events, free_amount = charge.get("included_events"), fraction(charge, "included_amount")
    total = Fraction(0)
    for position, amount in enumerate(left):
        running = sum(left[:position], Fraction(0))
        closed = (
            (free_events is None and free_amount is None)
            or (free_events is not None and position >= int(free_events))
            or (free_amount is not None and running >= free_amount)
        )
        if closed:
            paid = amount
        elif free_amount is not None and running + amount > free_amount:
            paid = running + amount - free_amount
        else:
            continue
        cost = paid * fraction(charge, "rate") / 100 + fraction(charge, "fixed_fee", 0)
        lowest, highest = fraction(charge, "minimum_per_event"), fraction(charge, "maximum_per_event")
        cost = cost if lowest is None else max(cost, lowest)
        total += cost if highest is None else min(cost, highest)
    return total


def has_usage(charge, usage, other):
    quantity, events = usage
    if charge["model"] == "percentage":
        return list(events) != list(other[1])
    return max(quantity, 0) != max(other[0], 0)


def differences(stretches, rounded):
    """What each (charge, before, upto) adds, none below zero.

    At equal prices a fall takes back what was just added, the latest first, and then what will be added next; at other
    prices nothing.
    """
    found, run, debt, previous = [], [], Fraction(0), None
    for charge, before, upto in stretches:
        terms = {key: value for key, value in charge.items() if key not in ("minimum_amount", "tax", "name")}
        if terms != previous:
            found, run, debt = found + run, [], Fraction(0)
        previous = terms
        step = rounded(price(charge, *upto)) - rounded(price(charge, *before)) - debt
        debt = max(-step, Fraction(0))
        for position in reversed(range(len(run))):
            taken = min(run[position], debt)
            run[position] -= taken
            debt -= taken
        run.append(max(step, Fraction(0)))
    return found + run


def lines(spans, digits):
    """[(kind, charge code, amount, exact amount)] of [(plan data, {code: before}, {code: upto}, share)].

    A usage is (quantity, events). Amounts are Fractions, exact ones rounded to 12 decimals.
    """
    nothing = (Fraction(0), ())
    by_span, minimums = {}, []
    codes = list(dict.fromkeys(charge["code"] for plan, *_ in spans for charge in plan["charges"]))
    for code in codes:
        places, stretches, due, reached = [], [], Fraction(0), Fraction(0)
        for number, (plan, before, upto, _) in enumerate(spans):
            for order, charge in enumerate(plan["charges"]):
                if charge["code"] == code:
                    places.append((number, order))
                    stretches.append((charge, before.get(code, nothing), upto.get(code, nothing)))
        amounts = differences(stretches, lambda amount: half_up(amount, digits))
        exacts = differences(stretches, lambda amount: amount)
        for place, (charge, before, upto), amount, exact in zip(
            places, stretches, amounts, exacts, strict=True
        ):
            if has_usage(charge, upto, before):
                by_span[place] = ("usage", code, amount, half_up(exact, 12))
            if charge.get("minimum_amount") is not None:
                due += Fraction(charge["minimum_amount"]) * spans[place[0]][3]
                reached += amount
        if half_up(due, digits) > reached:
            minimums.append(("minimum", code, half_up(due, digits) - reached, None))
    return [by_span[place] for place in sorted(by_span)] + minimums

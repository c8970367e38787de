"""How many connections one process has to Exchange."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from gate import Gate

from bridge.errors import Unavailable
from bridge.ews.budget import CALLS_PER_ACCOUNT, CALLS_PER_ORGANISATION
from bridge.ews.exchange import EwsExchange
from bridge.ews.settings import EwsSettings
from bridge.exchange import Deadline
from bridge.model import BasicCredential

AT_ONCE = 2 * CALLS_PER_ORGANISATION


@pytest.mark.parametrize(("accounts", "most"), [(AT_ONCE, CALLS_PER_ORGANISATION), (1, CALLS_PER_ACCOUNT)])
def test_connections_to_a_silent_exchange_are_bounded(accounts: int, most: int) -> None:
    def log_in(number: int) -> None:
        with pytest.raises(Unavailable):
            exchange.log_in(BasicCredential(f"person-{number % accounts}", "x"), deadline)

    with Gate("http://127.0.0.1:1/EWS/Exchange.asmx") as gate, ThreadPoolExecutor(AT_ONCE) as threads:
        gate.be_silent()
        exchange = EwsExchange(EwsSettings(gate.url))
        deadline = Deadline.after(2)
        list(threads.map(log_in, range(AT_ONCE)))
        exchange.close()
        assert gate.most == most

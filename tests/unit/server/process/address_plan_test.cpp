#include "server/process/address_plan.hpp"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

using conf::Endpoint;
using server::plan_addresses;

namespace {

using Endpoints = std::vector<Endpoint>;
const Endpoint all4{"0.0.0.0", 69}, all6{"::", 69}, one{"192.0.2.1", 69}, high{"0.0.0.0", 6969};

auto plan(const Endpoints& wanted, const Endpoints& handed_over, const Endpoints& running) {
  return plan_addresses("tftp.listen", "apdepot-tftp.socket", wanted, handed_over, running);
}

}  // namespace

TEST_CASE("what is new is opened and what is gone is closed") {
  CHECK(plan({all4, all6}, {}, {}).open == Endpoints{all4, all6});
  CHECK(plan({all4, all6}, {}, {all4, all6}).open.empty());
  const auto changed = plan({all6, high}, {}, {all4, all6});
  CHECK(changed.open == Endpoints{high});
  CHECK(changed.close == Endpoints{all4});
  CHECK(changed.notes.empty());
  CHECK(plan({}, {}, {all4}).close == Endpoints{all4});
}

TEST_CASE("a socket that was handed over stands for its address") {
  const auto same = plan({all4, all6}, {all4, all6}, {});
  CHECK(same.open.empty());
  CHECK(same.notes.empty());
  CHECK(plan({all4, all6}, {all4}, {}).open == Endpoints{all6});
}

TEST_CASE("a socket that the configuration does not name is served all the same, and that is said") {
  const auto other = plan({high}, {all4}, {});
  CHECK(other.open == Endpoints{high});
  CHECK(other.close.empty());
  REQUIRE(other.notes.size() == 1);
  CHECK(other.notes[0] ==
        "apdepot-tftp.socket has opened 0.0.0.0:69, which tftp.listen does not name: it is served all the "
        "same; `systemctl edit apdepot-tftp.socket` and then `systemctl stop apdepot-tftp.socket && "
        "systemctl restart apdepot` change the address, `systemctl disable --now apdepot-tftp.socket && "
        "systemctl restart apdepot` leave it to tftp.listen (with own-ports.conf, where that has a "
        "port below 1024)");
  CHECK(plan({}, {all4}, {}).notes.size() == 1);
}

TEST_CASE("an address that is part of what was handed over is not opened") {
  const auto part = plan({one}, {all4}, {});
  CHECK(part.open.empty());
  REQUIRE(part.notes.size() == 2);
  CHECK(part.notes[0] ==
        "tftp.listen names 192.0.2.1:69, but apdepot-tftp.socket has opened 0.0.0.0:69: that one is served");
}

TEST_CASE("addresses are opened and closed in the order of the configuration") {
  const Endpoint two{"192.0.2.2", 69}, three{"192.0.2.3", 69};
  const auto changed = plan({three, one, high}, {}, {one, two, all6});
  CHECK(changed.open == Endpoints{three, high});
  CHECK(changed.close == Endpoints{two, all6});
}

TEST_CASE("another port, another address and another interface are other addresses") {
  for (const auto& [before, after] : std::vector<std::pair<Endpoint, Endpoint>>{
           {one, {"192.0.2.1", 70}},
           {one, {"192.0.2.10", 69}},
           {{"fe80::1%eth0", 69}, {"fe80::1%eth1", 69}},
           {all4, all6},
       }) {
    CAPTURE(after.text());
    const auto changed = plan({after}, {}, {before});
    CHECK(changed.open == Endpoints{after});
    CHECK(changed.close == Endpoints{before});
    CHECK(changed.notes.empty());
  }
}

TEST_CASE("what was handed over stands in the way of nothing but its own port and family") {
  const Endpoint loopback6{"::1", 69};
  const auto beside = plan({all6, high, loopback6}, {all4}, {});
  CHECK(beside.open == Endpoints{all6, high, loopback6});
  CHECK(beside.notes.size() == 1);  // of all4, which is not named
  const auto part = plan({loopback6, one}, {all6, all4}, {});
  CHECK(part.open.empty());
  CHECK(part.notes.size() == 4);
}

TEST_CASE("an address that is served already is closed where a socket for all was handed over") {
  const auto taken_over = plan({one, high}, {all4}, {one, high});
  CHECK(taken_over.open.empty());
  CHECK(taken_over.close == Endpoints{one});
  REQUIRE(taken_over.notes.size() == 2);
  CHECK(taken_over.notes[0].ends_with("has opened 0.0.0.0:69: that one is served"));
}

TEST_CASE("an address that holds the one which was handed over is not opened either") {
  const auto whole = plan({all4}, {one}, {});
  CHECK(whole.open.empty());
  REQUIRE(whole.notes.size() == 2);
  CHECK(whole.notes[0] ==
        "tftp.listen names 0.0.0.0:69, but apdepot-tftp.socket has opened 192.0.2.1:69: that one is served");
}

TEST_CASE("every socket that was handed over and is not named has its own note") {
  const auto both = plan({}, {all4, all6}, {});
  REQUIRE(both.notes.size() == 2);
  CHECK(both.notes[0].starts_with(
      "apdepot-tftp.socket has opened 0.0.0.0:69, which tftp.listen does not name"));
  CHECK(both.notes[1].starts_with("apdepot-tftp.socket has opened [::]:69, which tftp.listen does not name"));
  CHECK(both.open.empty());
  CHECK(both.close.empty());
}

TEST_CASE("any free port is an address of its own, which a reload finds again") {
  const Endpoint any{"127.0.0.1", 0}, other{"127.0.0.2", 0};
  CHECK(plan({any}, {}, {any}).open.empty());
  CHECK(plan({any}, {}, {any}).close.empty());
  CHECK(plan({any, other}, {}, {any}).open == Endpoints{other});
  CHECK(plan({any}, {{"127.0.0.1", 40'000}}, {}).open == Endpoints{any});
}

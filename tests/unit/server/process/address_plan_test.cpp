#include "server/process/address_plan.hpp"

#include <doctest/doctest.h>

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
        "same; `systemctl edit apdepot-tftp.socket` changes the address, `systemctl disable --now "
        "apdepot-tftp.socket` leaves it to tftp.listen");
  CHECK(plan({}, {all4}, {}).notes.size() == 1);
}

TEST_CASE("an address that is part of what was handed over is not opened") {
  const auto part = plan({one}, {all4}, {});
  CHECK(part.open.empty());
  REQUIRE(part.notes.size() == 2);
  CHECK(part.notes[0] ==
        "tftp.listen names 192.0.2.1:69, but apdepot-tftp.socket has opened 0.0.0.0:69: that one is served");
}

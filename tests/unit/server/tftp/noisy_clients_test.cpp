#include "server/tftp/noisy_clients.hpp"

#include <doctest/doctest.h>

#include <optional>

#include "server/events/events.hpp"

using namespace server;
using event::Noise;

namespace {

// Nothing waits ten seconds here: the sums themselves are NoiseCount's, whose tests need no clock.
struct House {
  net::io_context loop;
  Events events;
  std::optional<NoisyClients> noisy{std::in_place, loop, events};
  std::size_t told = 0;

  House() {
    events.listen([this](const Event&) { ++told; });
  }
  bool may_tell(const char* address, Noise kind, std::string_view what) {
    return noisy->may_tell(address, ++number_, kind, what);
  }
  // Whether a sum is awaited, and no wait was broken off for another one.
  bool awaits_a_sum() {
    loop.restart();
    return loop.poll() == 0 && !loop.stopped();
  }

 private:
  std::uint64_t number_ = 0;
};

}  // namespace

TEST_CASE("a client is told of once, and again for another name, another kind and another client") {
  House house;
  CHECK(house.may_tell("192.0.2.1", Noise::refused, "not_found /a"));
  CHECK_FALSE(house.may_tell("192.0.2.1", Noise::refused, "not_found /a"));
  CHECK(house.may_tell("192.0.2.1", Noise::refused, "not_found /b"));
  CHECK(house.may_tell("192.0.2.1", Noise::unanswered, "not_found /a"));
  CHECK(house.may_tell("192.0.2.2", Noise::refused, "not_found /a"));
  CHECK_FALSE(house.may_tell("192.0.2.2", Noise::refused, "not_found /a"));
}

TEST_CASE("a sum is awaited from the first one on, and whoever goes on making noise does not put it off") {
  House house;
  CHECK_FALSE(house.awaits_a_sum());
  house.may_tell("192.0.2.1", Noise::limited, "tftp.deny");
  CHECK(house.awaits_a_sum());
  house.may_tell("192.0.2.1", Noise::limited, "tftp.deny");
  house.may_tell("192.0.2.2", Noise::refused, "/a");
  CHECK(house.awaits_a_sum());
  CHECK(house.told == 0);
}

TEST_CASE("a sum that is awaited is not told once its service is gone") {
  House house;
  house.may_tell("192.0.2.1", Noise::refused, "/a");
  house.may_tell("192.0.2.1", Noise::refused, "/a");
  REQUIRE(house.awaits_a_sum());
  house.noisy.reset();
  house.loop.restart();
  CHECK(house.loop.run_for(std::chrono::seconds(60)) == 1);
  CHECK(house.told == 0);
}

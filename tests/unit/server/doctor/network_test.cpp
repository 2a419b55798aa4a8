#include "server/doctor/network.hpp"

#include <doctest/doctest.h>

using namespace server;
using namespace server::doctor;

namespace {

Interface interface(const char* name, const char* address, std::uint32_t mtu = 1500) {
  return {name, {net::ip::make_address(address)}, mtu};
}

}  // namespace

TEST_CASE("a strict reverse path filter is to look at where there are several interfaces") {
  const auto lan = interface("lan", "192.0.2.2"), wlan = interface("wlan", "198.51.100.2");
  CHECK(judge_reverse_path({lan, wlan}, {{"all", 1}, {"lan", 0}, {"wlan", 0}}).state() == State::look);
  const auto one = judge_reverse_path({lan, wlan}, {{"all", 0}, {"lan", 0}, {"wlan", 1}});
  CHECK(one.findings().front().found.find("comes in on wlan ") != std::string::npos);
  CHECK(one.findings().front().fix == "sysctl -w net.ipv4.conf.all.rp_filter=2");
  CHECK(judge_reverse_path({lan, wlan}, {{"all", 2}, {"lan", 1}, {"wlan", 1}}).state() == State::ok);
  CHECK(judge_reverse_path({lan}, {{"all", 1}}).state() == State::ok);
  CHECK(judge_reverse_path({lan, interface("six", "2001:db8::2")}, {{"all", 1}}).state() == State::ok);
}

TEST_CASE("an interface that carries less than Ethernet bounds the size of blocks") {
  const auto lan = interface("lan", "192.0.2.2");
  CHECK(judge_mtu({lan}, 65464).state() == State::ok);
  CHECK(judge_mtu({lan}, 65464).findings().front().found ==
        "blocks above 1468 bytes, where a device asks for them, are sent in fragments");
  const auto tunnel = interface("tun0", "10.0.0.2", 1280);
  CHECK(judge_mtu({lan, tunnel}, 1249).findings().front().fix == "tftp.max_block_size: 1248");
  CHECK(judge_mtu({lan, tunnel}, 1248).state() == State::ok);
  CHECK(judge_mtu({}, 65464).state() == State::ok);
}

TEST_CASE("a host without an address that others can reach fails") {
  CHECK(judge_address({interface("lan", "192.0.2.2")}, {}).findings() ==
        std::vector<Finding>{{State::ok, "192.0.2.2", ""}});
  CHECK(judge_address({interface("lan", "169.254.7.7"), interface("wlan", "fe80::1")}, {}).state() ==
        State::fails);
  CHECK(judge_address({interface("lan", "192.0.2.2")}, {{"192.0.2.9", 69}}).state() == State::fails);
}

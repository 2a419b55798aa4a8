#include "server/api/inventory.hpp"

#include <doctest/doctest.h>

using namespace server;
namespace record = storage::record;
using Members = std::vector<std::string>;

namespace {

ListedDevice listed(const std::string& name, std::optional<std::string> address = {}) {
  ListedDevice made;
  made.name = name;
  made.address = std::move(address);
  return made;
}

Told told(const ListedDevice& device, const std::vector<record::Described>& known = {}) {
  return told_by({device}, known, 1000).at(0);
}

}  // namespace

TEST_CASE("a new device is known under its address, or under its name alone") {
  auto made = told(listed("floor-1", "192.0.2.7"));
  CHECK(made.is_new);
  CHECK(made.device.key == "192.0.2.7");
  CHECK(made.device.listed_at == 1000);
  CHECK(made.members == Members{"address", "name"});
  CHECK(told(listed("floor-1")).device.key == "name floor-1");
  CHECK(told(listed("floor-1", "no address")).device.address.empty());
  CHECK(told(listed("a", "2001:DB8:0:0::7")).device.key == "2001:db8::7");
}

TEST_CASE("one that is known keeps what the table does not say, and what differs is told") {
  auto known = told(listed("floor-1", "192.0.2.7")).device;
  known.site = "dock", known.model = "9120AXI";
  auto device = listed("floor-1");
  device.running = "17.9.4.27", device.model = "9120AXI";
  const auto made = told(device, {known});
  CHECK_FALSE(made.is_new);
  CHECK(made.members == Members{"running"});
  CHECK(made.device.key == "192.0.2.7");
  CHECK(made.device.site == "dock");
  CHECK(told(device, {made.device}).members.empty());
}

TEST_CASE("a device that had no address gets one, and its old row goes") {
  const auto nameless = told(listed("floor-1")).device;
  const auto made = told(listed("floor-1", "192.0.2.7"), {nameless});
  CHECK_FALSE(made.is_new);
  CHECK(made.device.key == "192.0.2.7");
  CHECK(made.device.replaces == "name floor-1");
}

TEST_CASE("another address under the same name is another device") {
  const auto known = told(listed("floor-1", "192.0.2.7")).device;
  CHECK(told(listed("floor-1", "192.0.2.8"), {known}).is_new);
  CHECK(told(listed("renamed", "192.0.2.7"), {known}).members == Members{"name"});
}

TEST_CASE("texts of a table are escaped and bounded") {
  auto device = listed("\x1b[2J" + std::string(5000, 'a'));
  device.model = "<img onerror>\n";
  const auto made = told(device).device;
  CHECK(made.name.find('\x1b') == std::string::npos);
  CHECK(made.name.size() < 150);
  CHECK(made.model == "<img onerror>\\n");
}

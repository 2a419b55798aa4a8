#include "server/api/fleet.hpp"

#include <doctest/doctest.h>

#include "storage/history/record_book.hpp"
#include "tests/support/temp_dir.hpp"

using namespace server;
namespace record = storage::record;

namespace {

record::Described said(const std::string& key, const std::string& address) {
  record::Described made;
  made.key = key, made.address = address;
  return made;
}

record::Holding held(const std::string& client, const std::string& file) { return {client, file, 1, 2, 1}; }

Device with(std::vector<record::Holding> holdings) {
  Device made;
  made.holdings = std::move(holdings);
  return made;
}

}  // namespace

TEST_CASE("what was seen, said and expected of an address is one device") {
  const auto fleet = fleet_of({{"192.0.2.7", 1, 2}, {"192.0.2.8", 3, 4}},
                              {said("192.0.2.7", "192.0.2.7"), said("name floor-1", "")},
                              {held("192.0.2.7", "/EWC/a/ap1g8"), held("192.0.2.99", "/EWC/a/ap1g8")},
                              {*conf::parse_network("192.0.2.8/31"), *conf::parse_network("192.0.2.20")});
  REQUIRE(fleet.size() == 4);
  CHECK(fleet[0].address == "192.0.2.20");
  CHECK(fleet[0].is_expected());
  CHECK_FALSE(fleet[0].last_at);
  CHECK(fleet[1].address == "192.0.2.7");
  CHECK(fleet[1].said);
  CHECK(fleet[1].holdings.size() == 1);
  CHECK_FALSE(fleet[1].is_expected());
  CHECK(fleet[2].in_settings);
  CHECK(fleet[2].first_at == 3);
  CHECK(fleet[3].address.empty());
}

TEST_CASE("a kind is what a person says, and else what the device fetched") {
  CHECK(kind_of({}) == DeviceKind::unknown);
  CHECK(kind_of(with({held("a", "/x/ap1g8")})) == DeviceKind::access_point);
  CHECK(kind_of(with({held("a", "/x/ap1g8"), held("a", "/y/ap1g8")})) == DeviceKind::access_point);
  CHECK(kind_of(with({held("a", "/x/ap1g8"), held("a", "/x/ap1g7")})) == DeviceKind::shared_address);
  CHECK(kind_of(with({held("a", "/x/C9800-AP-iosxe-wlc.bin")})) == DeviceKind::controller);
  CHECK(kind_of(with({held("a", "/x/readme.txt")})) == DeviceKind::unknown);
  auto device = with({held("a", "/x/ap1g8"), held("a", "/x/ap1g7")});
  device.said = said("a", "a");
  device.said->listed_at = 1;
  CHECK(kind_of(device) == DeviceKind::controller);
  device.said->kind = "access point";
  CHECK(kind_of(device) == DeviceKind::access_point);
  device.said->kind = "unknown";
  CHECK(kind_of(device) == DeviceKind::controller);
  CHECK(device_kind("shared address") == DeviceKind::shared_address);
  CHECK_FALSE(device_kind("printer"));
}

TEST_CASE("what was said lately stands for what the history has") {
  auto named = said("192.0.2.7", "192.0.2.7");
  named.replaces = "name floor-1";
  named.name = "floor-1";
  const auto all = with_fresh({said("name floor-1", ""), said("192.0.2.8", "192.0.2.8")}, {named});
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "floor-1");
  CHECK(all[1].key == "192.0.2.8");
}

TEST_CASE("a file's folder and name") {
  CHECK(folder_of("/EWC/17_9_4a/ap1g8") == "/EWC/17_9_4a");
  CHECK(name_of("/EWC/17_9_4a/ap1g8") == "ap1g8");
  CHECK(folder_of("ap1g8").empty());
  CHECK(name_of("ap1g8") == "ap1g8");
  CHECK(folder_of("/ap1g8").empty());
}

TEST_CASE("an expected network makes no devices, and expects those in it, of its own family alone") {
  const auto fleet = fleet_of({{"192.0.2.7", 1, 2}, {"198.51.100.7", 1, 2}, {"2001:db8::7", 1, 2}},
                              {said("name floor-1", "")}, {},
                              {*conf::parse_network("192.0.2.0/24"), *conf::parse_network("2001:db8::/64"),
                               *conf::parse_network("::/0"), *conf::parse_network("2001:db8:1::1")});
  std::vector<std::string> expected, all;
  for (const auto& device : fleet) {
    all.push_back(device.address);
    if (device.is_expected()) expected.push_back(device.address);
  }
  CHECK(all == std::vector<std::string>{"192.0.2.7", "198.51.100.7", "2001:db8:1::1", "2001:db8::7", ""});
  CHECK(expected == std::vector<std::string>{"192.0.2.7", "2001:db8:1::1", "2001:db8::7"});
}

TEST_CASE("a device that a list has without an address is never one with an empty address that fetched") {
  const auto fleet = fleet_of({}, {said("name a", ""), said("name b", "")}, {held("", "/x/ap1g8")}, {});
  REQUIRE(fleet.size() == 2);
  CHECK(fleet[0].holdings.empty());
  CHECK(fleet[1].holdings.empty());
}

TEST_CASE("the fleet that is read has what the history holds, and what was said a moment ago") {
  const test::TempDir dir;
  record::Transfer whole;
  whole.started = 1000, whole.ended = 2000, whole.client = "192.0.2.7", whole.protocol = "tftp";
  whole.file = "/EWC/a/ap1g8", whole.outcome = "whole", whole.cause = "complete";
  auto known = said("192.0.2.8", "192.0.2.8");
  known.name = "old";
  storage::RecordBook(dir / "history.db")
      .write(std::vector<storage::Record>{whole, record::Descriptions{{known, said("name floor-1", "")}}});
  storage::HistoryQueries history(dir / "history.db", [] { return false; });
  auto fresh = said("192.0.2.8", "192.0.2.8"), moved = said("192.0.2.9", "192.0.2.9");
  fresh.name = "new";
  moved.name = "floor-1", moved.replaces = "name floor-1";
  const auto fleet = read_fleet(history, {fresh, moved}, {});
  REQUIRE(fleet.size() == 3);
  CHECK(fleet[0].address == "192.0.2.7");
  CHECK(fleet[0].last_at == 2000);
  CHECK(fleet[0].holdings.size() == 1);
  CHECK(fleet[1].name() == "new");
  CHECK(fleet[2].address == "192.0.2.9");
  CHECK(fleet[2].name() == "floor-1");
}

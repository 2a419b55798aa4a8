#include "server/doctor/devices.hpp"

#include <doctest/doctest.h>

using namespace server::doctor;

namespace {

constexpr std::int64_t hour = 3'600'000, imported = 1000 * hour;

ProductReading product() {
  return {"/EWC/17_9_4a",
          {"ap1g8", "version.info"},
          imported,
          {{"192.0.2.7", "/EWC/17_3_3", "ap1g8", imported - hour},
           {"192.0.2.8", "/EWC/17_3_3", "ap1g5", imported + hour},
           {"192.0.2.9", "/EWC/17_3_3", "ap1g5", imported - hour}}};
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

TEST_CASE("a family that devices have fetched and the release lacks is named, with its models") {
  const auto found = judge_families({product()}).findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].state == State::look);
  CHECK(has(found[0].found, "/EWC/17_9_4a has no ap1g5 ("));
  CHECK(has(found[0].found, "1815"));
  CHECK(has(found[0].found, "192.0.2.8 and 1 more fetched of /EWC/17_3_3"));
  CHECK(has(found[0].fix, "apdepot releases --models"));
  auto whole = product();
  whole.images.push_back("ap1g5");
  CHECK(judge_families({whole}).state() == State::ok);
  whole.fetched.push_back({"192.0.2.7", "/EWC/17_3_3", "readme.txt", 0});
  CHECK(judge_families({whole}).state() == State::ok);
  CHECK(judge_families({}).state() == State::ok);
}

TEST_CASE("a device that fetched before and is silent since the import is named") {
  const auto now = imported + 2 * hour;
  const auto found = judge_never_seen({product()}, now).findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].found ==
        "192.0.2.7, 192.0.2.9 fetched an older release, and have asked for nothing since /EWC/17_9_4a was "
        "imported");
  CHECK(has(found[0].fix, "apdepot probe tftp://ADDRESS/EWC/17_9_4a/ap1g8"));
  CHECK(judge_never_seen({product()}, imported + hour - 1).state() == State::ok);
  auto all = product();
  all.fetched.push_back({"192.0.2.7", "/EWC/17_9_4a", "ap1g8", imported + 1});
  all.fetched.push_back({"192.0.2.9", "/EWC/17_9_4a", "ap1g8", imported + 1});
  CHECK(judge_never_seen({all}, now).state() == State::ok);
  auto by_hand = product();
  by_hand.imported_at = 0;
  CHECK(judge_never_seen({by_hand}, now).state() == State::ok);
}

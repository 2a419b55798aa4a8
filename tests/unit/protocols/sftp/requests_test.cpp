#include "protocols/sftp/requests.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace {

// `count` packets of one byte each.
std::vector<std::byte> small_packets(std::size_t count) {
  std::vector<std::byte> bytes;
  bytes.reserve(5 * count);
  for (std::size_t i = 0; i < count; ++i)
    for (const auto byte : {0, 0, 0, 1, 7}) bytes.push_back(static_cast<std::byte>(byte));
  return bytes;
}

void answer_one(sftp::Requests& requests) {
  const auto packet = requests.front();
  REQUIRE(packet);
  requests.begin(*packet);
  requests.done();
}

}  // namespace

TEST_CASE("answered requests take no more memory than those that wait") {
  constexpr std::size_t count = 50'000, one = 5;
  sftp::Requests requests;
  REQUIRE(requests.feed(small_packets(count)));
  for (std::size_t left = count; left > 0; --left) {
    CHECK(requests.size() == left * one);
    CHECK(requests.held() <= 4 * left * one + 128 * 1024);
    answer_one(requests);
  }
  CHECK(requests.held() == 0);
}

TEST_CASE("requests that arrive while one is being answered are counted, and wait behind it") {
  sftp::Requests requests;
  REQUIRE(requests.feed(small_packets(2)));
  requests.begin(*requests.front());
  REQUIRE(requests.feed(small_packets(3)));
  CHECK_FALSE(requests.front());
  CHECK(requests.size() == 4 * 5);
  requests.done();
  for (int i = 0; i < 4; ++i) answer_one(requests);
  CHECK_FALSE(requests.front());
  CHECK(requests.size() == 0);
}

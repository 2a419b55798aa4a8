#include "server/loop/sweep.hpp"

#include <doctest/doctest.h>

#include <map>

using server::Sweep;

namespace {

std::map<int, bool> numbers(int count, int every) {
  std::map<int, bool> all;
  for (int i = 0; i < count; ++i) all[i] = i % every == 0;
  return all;
}

bool may_go(bool old) { return old; }

}  // namespace

TEST_CASE("a call forgets two entries at most") {
  auto all = numbers(10, 1);
  Sweep<int> sweep;
  sweep.step(all, may_go);
  CHECK(all.size() == 8);
}

TEST_CASE("all entries have their turn, also those that were passed while they had to stay") {
  auto all = numbers(9, 3);
  Sweep<int> sweep;
  for (int i = 0; i < 5; ++i) sweep.step(all, may_go);
  CHECK(all.size() == 6);
  for (auto& [number, old] : all) old = true;
  for (int i = 0; i < 3; ++i) sweep.step(all, may_go);
  CHECK(all.empty());
  sweep.step(all, may_go);
}

TEST_CASE("new entries do not keep old ones from their turn") {
  auto all = numbers(100, 1);
  Sweep<int> sweep;
  for (int next = 1000; next < 1120; ++next) {
    sweep.step(all, may_go);
    all[next] = false;
  }
  CHECK(all.size() == 120);
}

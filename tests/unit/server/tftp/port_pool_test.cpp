#include "server/tftp/port_pool.hpp"

#include <doctest/doctest.h>

#include <set>

using server::PortLease;
using server::PortPool;

TEST_CASE("a port is not given twice, and chance says which one comes next") {
  PortPool pool;
  const conf::PortRange range{5000, 5002};
  CHECK(pool.free(range) == 3);
  CHECK(pool.take(range, 1) == 5001);
  CHECK(pool.free(range) == 2);
  std::set<std::uint16_t> others;
  for (const auto chance : {7U, 9U}) others.insert(pool.take(range, chance).value());
  CHECK(others == std::set<std::uint16_t>{5000, 5002});
  CHECK_FALSE(pool.take(range, 0));
  pool.give_back(5001, range);
  CHECK(pool.take(range, 5) == 5001);
}

TEST_CASE("a reload's range holds from the next request on, and the highest port is one") {
  PortPool pool;
  const conf::PortRange old{5000, 5001}, now{65'534, 65'535};
  CHECK(pool.take(old, 0) == 5000);
  CHECK(pool.take(now, 0) == 65'534);
  CHECK(pool.free(now) == 1);
  CHECK(pool.free(old) == 2);
  pool.give_back(5000, old);
  CHECK(pool.take(now, 0) == 65'535);
  CHECK_FALSE(pool.take(now, 0));
}

TEST_CASE("a port goes back with its holder") {
  const auto pool = std::make_shared<PortPool>();
  const conf::PortRange range{5000, 5000};
  {
    const PortLease lease(pool, range, pool->take(range, 0).value());
    CHECK_FALSE(pool->take(range, 0));
  }
  CHECK(pool->take(range, 0) == 5000);
}

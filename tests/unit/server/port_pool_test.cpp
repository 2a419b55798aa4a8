#include "server/port_pool.hpp"

#include <doctest/doctest.h>

using server::PortPool;

TEST_CASE("a port is not given twice, and one that was given back comes last") {
  PortPool pool;
  const conf::PortRange range{5000, 5002};
  CHECK(pool.take(range) == 5000);
  pool.give_back(5000, range);
  CHECK(pool.take(range) == 5001);
  CHECK(pool.take(range) == 5002);
  CHECK(pool.take(range) == 5000);
  CHECK_FALSE(pool.take(range));
  pool.give_back(5001, range);
  CHECK(pool.take(range) == 5001);
}

TEST_CASE("a reload's range holds from the next request on, and the highest port is one") {
  PortPool pool;
  const conf::PortRange old{5000, 5001}, now{65'534, 65'535};
  CHECK(pool.take(old) == 5000);
  CHECK(pool.take(now) == 65'534);
  pool.give_back(5000, old);
  CHECK(pool.take(now) == 65'535);
  CHECK_FALSE(pool.take(now));
}

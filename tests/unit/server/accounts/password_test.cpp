#include "server/accounts/password.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>

using server::hash_password;
using server::verify_password;

namespace {

// Of this process, in clock ticks.
double cost_of(const std::string& hash) {
  const auto before = std::clock();
  CHECK_FALSE(verify_password("wrong", hash));
  return static_cast<double>(std::clock() - before);
}

}  // namespace

TEST_CASE("whoever does not exist costs what everybody costs") {
  const auto hash = hash_password("s3cret");
  double nobody = 1e9, somebody = 1e9;
  for (int i = 0; i < 8; ++i) {  // in turn, and the least of each: whatever else runs only adds
    nobody = std::min(nobody, cost_of(""));
    somebody = std::min(somebody, cost_of(hash));
  }
  CHECK(nobody / somebody > 0.7);
  CHECK(nobody / somebody < 1.4);
}

TEST_CASE("a hash is opened by its password and by no other, and is salted") {
  const auto hash = hash_password("s3cret");
  CHECK(hash.starts_with("$scrypt$ln=14,r=8,p=5$"));
  CHECK(hash.find('=', hash.rfind('$')) == std::string::npos);  // unpadded
  CHECK(verify_password("s3cret", hash));
  CHECK_FALSE(verify_password("s3cret ", hash));
  CHECK_FALSE(verify_password("", hash));
  CHECK(hash_password("s3cret") != hash);
}

TEST_CASE("a hash that another program made is understood") {
  // passlib.hash.scrypt, and RFC 7914's second test vector with its parameters
  CHECK(verify_password(
      "password",
      "$scrypt$ln=10,r=8,p=16$TmFDbA"
      "$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA"));
}

TEST_CASE("what is no hash opens nothing, and neither does no hash at all") {
  const auto good = hash_password("x");
  for (const auto& hash :
       {std::string(), std::string("x"), std::string("$scrypt$"),
        good.substr(0, good.rfind('$') + 21),  // 15 of its 32 bytes
        good + "$", std::string("$scrypt$ln=40,r=8,p=5$AAAA$AAAA"),
        std::string("$scrypt$ln=14,r=8,p=5$****$****"), std::string("$scrypt$ln=31,r=999,p=1$AAAA$AAAA")}) {
    CAPTURE(hash);
    CHECK_FALSE(verify_password("x", hash));
  }
}

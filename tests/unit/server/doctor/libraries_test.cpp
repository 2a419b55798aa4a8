#include "server/doctor/libraries.hpp"

#include <doctest/doctest.h>

using namespace server::doctor;

TEST_CASE("a version with a known fault is named with the first one without it") {
  const auto found = judge_libraries({{"libssh", "0.10.5/openssl/zlib"}, {"openssl", "3.0.11"}}).findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].state == State::look);
  CHECK(found[0].found.starts_with("libssh 0.10.5 has a known fault: "));
  CHECK(found[0].found.ends_with("0.10.6 is the first without it"));
  CHECK(found[0].fix.starts_with("apt-get install --only-upgrade libssh-4"));
  CHECK(judge_libraries({{"libssh", "0.11.1"}}).state() == State::look);
  CHECK(judge_libraries({{"openssl", "3.0.4"}}).state() == State::look);
}

TEST_CASE("what a supported Debian or Ubuntu ships, corrected, is well") {
  CHECK(judge_libraries({{"libssh", "0.10.6/openssl/zlib"},
                         {"openssl", "3.0.15"},
                         {"libarchive", "libarchive 3.6.2"},
                         {"sqlite", "3.40.1"}})
            .findings() ==
        std::vector<Finding>{
            {State::ok, "libssh 0.10.6, openssl 3.0.15, libarchive 3.6.2, sqlite 3.40.1", ""}});
  CHECK(judge_libraries({{"libssh", "0.11.2"}, {"openssl", "3.5.0"}, {"libarchive", "libarchive 3.7.4"}})
            .state() == State::ok);
  CHECK(judge_libraries({{"libssh", "0.9.6"}, {"openssl", "3.0.2"}, {"libarchive", "libarchive 3.6.0"}})
            .state() == State::ok);
  CHECK(judge_libraries(libraries()).state() == State::ok);
}

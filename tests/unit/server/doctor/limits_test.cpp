#include "server/doctor/limits.hpp"

#include <doctest/doctest.h>

using namespace server::doctor;

TEST_CASE("too few descriptors are to look at") {
  CHECK(judge_limits({8000, 2000, {}, {}}).state() == State::ok);
  const auto few = judge_limits({7999, 2000, {}, {}});
  CHECK(few.state() == State::look);
  CHECK(few.findings().front().fix ==
        "LimitNOFILE=8000 in `systemctl edit apdepot`, or ssh.max_sessions: 1999");
  CHECK(judge_limits({std::nullopt, 2000, {}, {}}).state() == State::ok);
}

TEST_CASE("watches that are used up fail") {
  CHECK(judge_limits({8000, 2000, std::make_error_code(std::errc::no_space_on_device), {}}).state() ==
        State::fails);
  CHECK(judge_limits({8000, 2000, std::make_error_code(std::errc::too_many_files_open), {}}).state() ==
        State::fails);
  CHECK(judge_limits({8000, 2000, std::make_error_code(std::errc::no_such_file_or_directory), {}}).state() ==
        State::ok);
}

TEST_CASE("one datagram of a thousand that was dropped is worth telling") {
  CHECK(judge_limits({8000, 2000, {}, server::UdpCount{1'000'000, 0}}).state() == State::ok);
  CHECK(judge_limits({8000, 2000, {}, server::UdpCount{1'000'000, 900}}).state() == State::ok);
  CHECK(judge_limits({8000, 2000, {}, server::UdpCount{1'000'000, 1100}}).state() == State::look);
}

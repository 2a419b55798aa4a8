#include "server/text/login_text.hpp"

#include <doctest/doctest.h>

#include <array>
#include <set>

#include "server/events/ssh.hpp"

using namespace server;
using event::LoginFault;

TEST_CASE("each fault of a login has a word of its own, which is none of success or of algorithms") {
  constexpr std::array faults{
      LoginFault::wrong_password, LoginFault::unknown_user,    LoginFault::other_case,
      LoginFault::no_password,    LoginFault::no_keys,         LoginFault::other_key,
      LoginFault::barred_key,     LoginFault::wrong_signature, LoginFault::not_judged,
      LoginFault::no_sftp,        LoginFault::no_web,          LoginFault::wrong_code};
  std::set<std::string_view> words{"accepted", no_algorithm, needs_legacy};
  for (const auto fault : faults) {
    const auto text = word(fault);
    CAPTURE(text);
    CHECK(words.insert(text).second);
    CHECK(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == text.npos);
  }
}

TEST_CASE("what an administrator does about a failed login hangs on the right word") {
  CHECK(word(LoginFault::no_password) == "no_password");  // the user logs in by keys
  CHECK(word(LoginFault::no_keys) == "no_keys");
  CHECK(word(LoginFault::other_key) == "other_key");
  CHECK(word(LoginFault::barred_key) == "barred_key");
  CHECK(word(LoginFault::no_sftp) == "no_sftp");
  CHECK(word(LoginFault::no_web) == "no_web");
  CHECK(word(LoginFault::not_judged) == "not_judged");
}

#include "server/page/sessions.hpp"

#include <doctest/doctest.h>

using namespace server;
using namespace std::chrono_literals;

namespace {

conf::User user(const std::string& name, conf::WebRole role) {
  conf::User made;
  made.name = name;
  made.password_hash = "a hash";
  made.web = role;
  return made;
}
conf::User maria() { return user("maria", conf::WebRole::admin); }
const Sessions::Clock::time_point start{};

}  // namespace

TEST_CASE("a session is found by its cookie, and by no other text") {
  Sessions sessions;
  const auto opened = sessions.open(maria(), start);
  CHECK(opened.cookie.size() == 43);
  CHECK(opened.cookie != opened.csrf);
  const auto found = sessions.find(opened.cookie, start);
  REQUIRE(found);
  CHECK(found->name == "maria");
  CHECK(found->csrf == opened.csrf);
  CHECK(sessions.csrf_of(found->digest) == opened.csrf);
  CHECK_FALSE(sessions.find(found->digest, start));
  CHECK_FALSE(sessions.find("", start));
}

TEST_CASE("a session ends after 12 hours without a request, and after 7 days in any case") {
  Sessions sessions;
  const auto idle = sessions.open(maria(), start).cookie;
  CHECK(sessions.find(idle, start + 11h));
  CHECK(sessions.find(idle, start + 22h));
  CHECK_FALSE(sessions.find(idle, start + 34h));
  const auto busy = sessions.open(maria(), start).cookie;
  for (auto now = start; now < start + 7 * 24h; now += 6h) CHECK(sessions.find(busy, now));
  CHECK_FALSE(sessions.find(busy, start + 7 * 24h));
  CHECK(sessions.count() == 0);
}

TEST_CASE("a session ends with a change of the password, of the role, and of the user") {
  auto other_password = maria(), other_role = maria();
  other_password.password_hash = "another";
  other_role.web = conf::WebRole::viewer;
  const conf::User* const now[]{&other_password, &other_role, nullptr};
  for (const auto* user : now) {
    Sessions sessions;
    const auto cookie = sessions.open(maria(), start).cookie;
    const auto session = sessions.find(cookie, start);
    REQUIRE(session);
    const auto same = maria();
    CHECK(sessions.holds(*session, &same));
    CHECK_FALSE(sessions.holds(*session, user));
    CHECK_FALSE(sessions.find(cookie, start));
  }
}

TEST_CASE("a session that is looked at by its digest goes on to age, and ends") {
  Sessions sessions;
  const auto cookie = sessions.open(maria(), start).cookie;
  const auto digest = sessions.find(cookie, start)->digest;
  const auto known = sessions.known(digest, start + 11h);
  REQUIRE(known);
  CHECK(known->name == "maria");
  CHECK_FALSE(sessions.known(cookie, start));
  CHECK_FALSE(sessions.known("", start));
  CHECK_FALSE(sessions.known(digest, start + 12h));
}

TEST_CASE("of a user's sessions the oldest goes, and nobody else's") {
  Sessions sessions;
  const auto others = sessions.open(user("ewc", conf::WebRole::viewer), start).cookie;
  const auto first = sessions.open(maria(), start).cookie;
  const auto second = sessions.open(maria(), start).cookie;
  for (std::size_t i = 2; i < Sessions::most_of_a_user; ++i) sessions.open(maria(), start);
  CHECK(sessions.find(first, start));
  const auto last = sessions.open(maria(), start).cookie;
  CHECK_FALSE(sessions.find(first, start));
  CHECK(sessions.find(second, start));
  CHECK(sessions.find(last, start));
  CHECK(sessions.find(others, start));
}

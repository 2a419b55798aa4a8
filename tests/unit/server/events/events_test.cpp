#include "server/events/events.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "server/events/process.hpp"
#include "server/events/warning.hpp"

using namespace server;

TEST_CASE("each listener hears each event, and a warning of one kind only once in a while") {
  Events events;
  std::vector<std::string> first, second;
  const auto keep = [](std::vector<std::string>& texts) {
    return [&texts](const Event& event) { texts.push_back(event.get_if<event::Warned>()->text); };
  };
  events.listen(keep(first));
  events.listen(keep(second));
  events.warn(Warning::images, "told");
  events.warn_rarely(Warning::unwritable, "the disk is full");
  events.warn_rarely(Warning::unwritable, "the disk is still full");
  events.warn_rarely(Warning::unreadable, "another");
  CHECK(first == std::vector<std::string>{"told", "the disk is full", "another"});
  CHECK(second == first);
}

TEST_CASE("requests and sessions are numbered from 1, each with its own number") {
  Events events;
  CHECK(events.next_number() == 1);
  CHECK(events.next_number() == 2);
}

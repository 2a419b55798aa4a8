#pragma once
#include <concepts>
#include <memory>
#include <utility>

#include "server/events/event.hpp"

// An event of a test's own, and the Event that refers to it.
class KeptEvent {
 public:
  template <class One>
  requires std::constructible_from<server::Event, const One&> KeptEvent(One one)
      : KeptEvent(std::make_shared<const One>(std::move(one))) {}

  operator const server::Event&() const { return event_; }
  const server::Event* operator->() const { return &event_; }

 private:
  template <class One>
  explicit KeptEvent(std::shared_ptr<const One> one) : event_(*one), one_(std::move(one)) {}

  server::Event event_;
  std::shared_ptr<const void> one_;
};

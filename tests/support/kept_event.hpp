#pragma once
#include <concepts>
#include <cstddef>
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
  std::size_t kind() const { return kind_; }  // its place among event::Any's

 private:
  template <class One>
  explicit KeptEvent(std::shared_ptr<const One> one)
      : event_(*one), kind_(server::event::Any(one.get()).index()), one_(std::move(one)) {}

  server::Event event_;
  std::size_t kind_;
  std::shared_ptr<const void> one_;
};

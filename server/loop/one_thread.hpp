#pragma once
#ifndef NDEBUG
#include <cassert>
#include <thread>
#endif

namespace server {

// A member of what belongs to one thread, that which made it: where assertions are compiled in, use from
// another one ends the program, with a trace. libssh's callbacks, for instance, run on whatever thread reads.
class OneThread {
 public:
#ifdef NDEBUG
  void expect() const {}
#else
  void expect() const { assert(std::this_thread::get_id() == made_on_); }

 private:
  std::thread::id made_on_ = std::this_thread::get_id();
#endif
};

}  // namespace server

#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "server/events/transfer.hpp"
#include "server/loop/one_thread.hpp"

namespace server {

class Events;

// How far a transfer is.
struct Moved {
  std::uint64_t bytes = 0;                     // of the file, that both sides have
  std::uint64_t resent = 0;                    // TFTP packets that were sent more than once
  std::chrono::steady_clock::time_point last;  // when its client last moved it on
};

// A transfer that somebody may ask how far it is. On the loop.
class Moving {
 public:
  virtual Moved moved() const = 0;
  virtual void stop_by_administrator() = 0;  // the client is told; it may be gone when this returns

 protected:
  ~Moving() = default;
};

// Every transfer under way, over any protocol, for who wants to look: nothing is told for each packet.
// Belongs to the loop's thread; outlives the services.
class Running {
 public:
  using Clock = std::chrono::steady_clock;
  struct Row {
    event::TransferBegan what;
    std::chrono::system_clock::time_point asked_at;
    Clock::time_point asked;
    bool began = false;
    Moving* moving;
  };
  using Id = std::uint64_t;
  using Rows = std::map<Id, Row>;

  // A transfer's place among them, given up with it. Its Running must outlive it, and `moving` too.
  class Entry {
   public:
    Entry() = default;
    Entry(Running& running, Rows::iterator row) : running_(&running), row_(row) {}
    Entry(Entry&& other) noexcept : running_(std::exchange(other.running_, nullptr)), row_(other.row_) {}
    Entry& operator=(Entry&& other) noexcept {
      std::swap(running_, other.running_);
      std::swap(row_, other.row_);
      return *this;
    }
    ~Entry() {
      if (running_) running_->rows_.erase(row_);
    }
    void begin();  // tells TransferBegan

   private:
    Running* running_ = nullptr;
    Rows::iterator row_;
  };

  explicit Running(const Events& events) : events_(events) {}

  Entry add(event::TransferBegan what, Moving& moving);
  const Rows& rows() const { return rows_; }
  bool stop(Id id);  // false: it runs no longer

 private:
  const Events& events_;
  Rows rows_;
  Id last_ = 0;
  OneThread thread_;
};

}  // namespace server

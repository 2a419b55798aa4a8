#pragma once
#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <memory>

#include "server/loop/net.hpp"
#include "server/loop/one_thread.hpp"

namespace server {

// How much memory SSH connections hold in requests that are not answered yet, answers that are not sent yet
// and libssh's buffers: by address (/64 of IPv6), and in all. Where half of a bound is held memory is scarce,
// and each connection makes do with little; beyond the bound the one that holds most has to end. Bookkeeping
// alone: no memory, no clock, no log. Lives on the loop; what a connection has of it may outlive it.
class HeldBytes {
 public:
  struct Bounds {
    std::size_t in_all = 128 << 20, by_address = 32 << 20;
  };
  explicit HeldBytes(const Bounds& bounds) : all_(std::make_shared<All>()) { all_->bounds = bounds; }
  HeldBytes() : HeldBytes(Bounds{}) {}

 private:
  class All;

 public:
  // One connection. `too_much` is called once, when it has to end, perhaps because of what another asks for;
  // from then on it is not counted.
  class Connection {
   public:
    Connection(const HeldBytes& held, const net::ip::address& address, std::function<void()> too_much);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    void change(std::size_t from, std::size_t to);  // of requests and answers
    void keep(std::size_t bytes);                   // beside them, whether it works or is idle
    std::size_t bytes() const { return bytes_; }    // of requests and answers
    bool is_scarce() const;

   private:
    friend class All;
    void count(std::size_t from, std::size_t to);
    void leave();

    std::shared_ptr<All> all_;
    net::ip::address address_;
    std::function<void()> too_much_;
    std::size_t bytes_ = 0, kept_ = 0;
    bool counted_ = true;
  };

  std::size_t in_all() const { return all_->bytes; }

 private:
  class All {
   public:
    void heed_bounds(const net::ip::address& changed);

    Bounds bounds;
    OneThread thread;
    std::size_t bytes = 0;
    struct OfAddress {
      std::size_t bytes = 0;
      std::list<Connection*> connections;
    };
    std::map<net::ip::address, OfAddress> by_address;
  };

  std::shared_ptr<All> all_;
};

}  // namespace server

#pragma once
#include <cstddef>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "server/loop/net.hpp"
#include "server/loop/one_thread.hpp"

namespace server {

// Who may open another file over SSH now: by connection, address (/64 of IPv6), user, and in all. Counts
// descriptors, and what an open file costs besides. Bookkeeping alone: no file, no clock, no log. Lives on
// the loop; leases may outlive it.
class OpenFiles {
 public:
  struct Bounds {  // in descriptors
    std::size_t in_all = 0, by_user = 0, by_address = 0;
  };
  // Of a process that may have `limit` descriptors, so that TFTP keeps what its transfers take, and SSH what
  // its connections take. Where not even those fit, a quarter is for open files.
  static Bounds bounds_for(std::size_t limit, std::size_t transfers, std::size_t connections);

  // As limits@openssh.com tells, and a root for each of ten channels. A directory's listing takes 32 KiB.
  static constexpr std::size_t by_connection = 1024, roots_by_connection = 10, directories_by_connection = 64,
                               name_bytes_by_connection = 256 << 10;
  enum class Bound { connection, directories, names, address, user, process };

  struct Wanted {
    std::size_t descriptors = 1;
    bool directory = false;
    std::size_t name = 0;  // bytes that are remembered
  };

 private:
  struct Counts {
    OneThread thread;
    std::size_t in_all = 0;
    std::map<net::ip::address, std::size_t> by_address;
    std::map<std::string, std::size_t, std::less<>> by_user;
  };
  struct Holder {
    std::shared_ptr<Counts> counts;
    net::ip::address address;
    std::string user;
    std::size_t descriptors = 0, directories = 0, name_bytes = 0;
    void add(const Wanted& what);
    void subtract(const Wanted& what) noexcept;
  };

 public:
  class Connection {
   public:
    Connection(const OpenFiles& files, const net::ip::address& address, std::string user);

   private:
    friend class OpenFiles;
    std::shared_ptr<Holder> holder_;
  };

  // What was taken, given back at its end.
  class Lease {
   public:
    Lease(Lease&& other) noexcept : holder_(std::move(other.holder_)), what_(other.what_) {}
    Lease& operator=(Lease&& other) noexcept {
      std::swap(holder_, other.holder_);
      std::swap(what_, other.what_);
      return *this;
    }
    ~Lease() {
      if (holder_) holder_->subtract(what_);
    }

   private:
    friend class OpenFiles;
    Lease(std::shared_ptr<Holder> holder, const Wanted& what) : holder_(std::move(holder)), what_(what) {}
    std::shared_ptr<Holder> holder_;
    Wanted what_;
  };

  void set(const Bounds& bounds) { bounds_ = bounds; }
  std::expected<Lease, Bound> take(const Connection& who, const Wanted& what) const;
  std::size_t open() const { return counts_->in_all; }

 private:
  Bounds bounds_;
  std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
};

// "this connection has as many open as one may: 1024".
std::string text_of(OpenFiles::Bound bound);

}  // namespace server

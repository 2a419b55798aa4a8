#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "server/os/datagram.hpp"
#include "server/os/socket_watch.hpp"
#include "server/tftp/port_pool.hpp"

namespace server {

// What a transfer sends through, and who tells it what came. Owned by its transfer; lives on the loop.
class TftpPort {
 public:
  // The listener is the transfer. go_on() and room() may end it, and the port with it.
  class Listener {
   public:
    virtual void packet(std::span<const std::byte> bytes, Watched::Time now) = 0;
    virtual void refused() = 0;                                 // the client's port is closed
    virtual void go_on(Watched::Time now) = 0;                  // behind the last of those
    virtual void room() = 0;                                    // after ask_for_room() or ask_for_turn()
    virtual void broke_off(std::string_view why) noexcept = 0;  // one of these threw: it is over
    virtual bool expects_more() const = 0;                      // before its answer
    virtual std::shared_ptr<Listener> hold() = 0;

   protected:
    ~Listener() = default;
  };

  virtual ~TftpPort() = default;
  void listen(Listener& listener) { listener_ = &listener; }

  // As PacketSender::send, but of room and a closed port.
  std::size_t send(std::span<const std::byte> packets, std::size_t packet_size, std::error_code& error) {
    return sender_.send(packets, packet_size, error);
  }
  virtual void ask_for_room() = 0;
  virtual void ask_for_turn() = 0;  // it has more to send than one answer may
  virtual void answer_later() = 0;  // go_on() is due, when others have had their turn
  virtual void catch_up() {}        // hears what waits already

 protected:
  explicit TftpPort(const PacketSender& sender) : sender_(sender) {}
  Listener* listener_ = nullptr;

 private:
  PacketSender sender_;
};

// A port for one transfer alone, as RFC 1350 has it. Strangers are told so (RFC 1350 4).
class OwnPort final : public TftpPort, Watched {
 public:
  OwnPort(std::shared_ptr<SocketWatch> watch, ClientSockets sockets, const net::ip::address& client,
          std::optional<PortLease> lease);
  ~OwnPort() override;
  void ask_for_room() override;
  void ask_for_turn() override;
  void answer_later() override { watch_->again(*this); }
  void catch_up() override;

 private:
  // What arrives at the same port from elsewhere.
  class Strangers final : public Watched {
   public:
    Strangers(SocketWatch& watch, UdpHandle socket, const net::ip::address& client);
    ~Strangers() override;

   private:
    bool ready(bool readable, bool room, Time now) noexcept override;
    void answer(Time) noexcept override {}
    bool receive();

    SocketWatch& watch_;
    UdpHandle socket_;
    int answers_left_;
  };

  bool ready(bool readable, bool room, Time now) noexcept override;
  void answer(Time now) noexcept override;
  bool receive(Time now);

  const std::shared_ptr<SocketWatch> watch_;  // a transfer may outlive the service, when all ends
  const std::optional<PortLease> lease_;      // of tftp.port_range; given back when the socket is closed
  UdpHandle socket_;
  bool room_ = false;                   // again, or its turn, and the listener does not know it yet
  std::optional<Strangers> strangers_;  // where the system tells them apart
};

// The listening port, for tftp.single_port: the service reads it and passes on what is the transfer's.
class SharedPort final : public TftpPort, Watched {
 public:
  SharedPort(std::shared_ptr<SocketWatch> watch, std::shared_ptr<udp::socket> socket,
             const udp::endpoint& client, const net::ip::address& asked);
  ~SharedPort() override;
  void ask_for_room() override;
  void ask_for_turn() override;
  void answer_later() override { watch_->again(*this); }

 private:
  bool ready(bool, bool, Time) noexcept override { return false; }
  void answer(Time now) noexcept override;

  const std::shared_ptr<SocketWatch> watch_;
  const std::shared_ptr<udp::socket> socket_;
  bool turn_ = false;  // has come
};

}  // namespace server

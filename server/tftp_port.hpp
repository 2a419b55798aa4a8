#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "server/datagram.hpp"
#include "server/socket_watch.hpp"

namespace server {

// What a transfer sends through, and who tells it what came. Owned by its transfer; lives on the loop.
class TftpPort {
 public:
  // Whoever hears: the transfer. go_on() and room() may end it, and the port with it.
  class Listener {
   public:
    virtual void packet(std::span<const std::byte> bytes, Watched::Time now) = 0;
    virtual void refused() = 0;                 // the client's port is closed
    virtual void go_on(Watched::Time now) = 0;  // behind the last of those
    virtual void room() = 0;                    // after ask_for_room()
    virtual bool expects_more() const = 0;      // before its answer
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
  virtual void catch_up() {}  // hears what waits already

 protected:
  explicit TftpPort(const PacketSender& sender) : sender_(sender) {}
  Listener* listener_ = nullptr;

 private:
  PacketSender sender_;
};

// A port for one transfer alone, as RFC 1350 has it. Strangers are told so (RFC 1350 4).
class OwnPort final : public TftpPort, Watched {
 public:
  OwnPort(std::shared_ptr<SocketWatch> watch, ClientSockets sockets, std::function<void()> on_close);
  ~OwnPort() override;
  void ask_for_room() override;
  void catch_up() override;

 private:
  // What arrives at the same port from elsewhere.
  class Strangers final : public Watched {
   public:
    Strangers(SocketWatch& watch, UdpHandle socket);
    Strangers(const Strangers&) = delete;
    Strangers& operator=(const Strangers&) = delete;
    ~Strangers();

   private:
    void ready(bool readable, bool room, Time now) override;
    void answer(Time) override {}

    SocketWatch& watch_;
    UdpHandle socket_;
    int answers_left_;
  };

  void ready(bool readable, bool room, Time now) override;
  void answer(Time now) override;
  void receive(Time now);

  const std::shared_ptr<SocketWatch> watch_;  // a transfer may outlive the service, when all ends
  UdpHandle socket_;
  bool room_ = false;  // again, and the listener does not know it yet
  Strangers strangers_;
  std::function<void()> on_close_;
};

// The listening port, for tftp.single_port: the service reads it and passes on what is the transfer's.
class SharedPort final : public TftpPort {
 public:
  SharedPort(udp::socket& socket, const udp::endpoint& client, const net::ip::address& asked);
  void ask_for_room() override;

 private:
  udp::socket& socket_;
};

}  // namespace server

#pragma once
// The one door to Asio. <utility> first: Boost's awaitable.hpp uses std::exchange without it.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

// With Asio comes windows.h, whose macros rename what has such a name.
#undef far
#undef interface
#undef near
#undef small

namespace server {
namespace net = boost::asio;
using boost::system::error_code;
using net::ip::tcp;
using net::ip::udp;

// What the system calls of sockets take: an int on Linux, 64 bits on Windows.
using SocketHandle = decltype(::socket(0, 0, 0));
constexpr auto no_socket = static_cast<SocketHandle>(-1);
}  // namespace server

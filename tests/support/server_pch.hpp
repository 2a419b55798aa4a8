// Precompiled for the unit tests of server/: Asio and doctest are most of what they take to compile.
#include <doctest/doctest.h>

#include "server/loop/pch.hpp"

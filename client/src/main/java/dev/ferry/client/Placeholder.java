package dev.ferry.client;

final class Placeholder {}
